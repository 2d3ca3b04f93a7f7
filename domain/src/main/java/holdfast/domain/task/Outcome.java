package holdfast.domain.task;

/** How one attempt ended, as far as the evidence goes. It is kept apart from the task's state. */
public sealed interface Outcome {

  /** Whether the command did what it was asked to do: it exited by itself with code 0. */
  default boolean isSuccess() {
    return this instanceof Exited(int code, boolean _) && code == 0;
  }

  /**
   * The command exited by itself.
   *
   * @param code 0 to 255
   * @param certain false if the recording shell could not tell exit code 128 + n from signal n
   */
  record Exited(int code, boolean certain) implements Outcome {
    public Exited {
      if (code < 0 || code > 255) {
        throw new IllegalArgumentException("exit code out of range 0..255: " + code);
      }
    }

    public Exited(int code) {
      this(code, true);
    }
  }

  /** A signal ended the command. */
  record Signaled(int signal) implements Outcome {
    public Signaled {
      if (signal < 1 || signal > 64) {
        throw new IllegalArgumentException("signal out of range 1..64: " + signal);
      }
    }
  }

  /** The command's first instruction was never reached. */
  record StartFailed(String reason) implements Outcome {}

  /** No evidence is left of how the attempt ended. Never reported as success. */
  record Unknown(String reason) implements Outcome {}
}
