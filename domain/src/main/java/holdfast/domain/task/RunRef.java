package holdfast.domain.task;

/**
 * Names one run directory: the files of one spawn of a monitor.
 *
 * <p>An attempt has one run, unless recovery proved that its command was never reached and started
 * it afresh; a run directory is never used twice. An attempt's first run is 1, unless there are
 * directories already, of an attempt of that number that was forgotten.
 *
 * @param attempt from 1
 * @param run from 1 within the attempt
 */
public record RunRef(TaskId task, int attempt, int run) {
  public RunRef {
    if (attempt < 1 || run < 1) {
      throw new IllegalArgumentException("attempt and run count from 1: " + attempt + ", " + run);
    }
  }

  @Override
  public String toString() {
    return task + "/" + attempt + (run == 1 ? "" : "." + run);
  }
}
