package holdfast.domain.task;

/**
 * A process, told apart from every later one that is given the same pid.
 *
 * @param pid as seen in the pid namespace of the attempt's host
 * @param startTicks field 22 of {@code /proc/<pid>/stat}: clock ticks between boot and start
 * @param bootId the boot in which both numbers are valid
 */
public record ProcessIdentity(long pid, long startTicks, String bootId) {
  public ProcessIdentity {
    if (pid < 1) {
      throw new IllegalArgumentException("pid must be positive: " + pid);
    }
  }
}
