package holdfast.domain.task;

import java.util.List;

/** The domain's answer to a command. */
public sealed interface Decision {

  /**
   * Granted.
   *
   * @param events what happens; empty if the wish was already fulfilled
   */
  record Accepted(List<TaskEvent> events) implements Decision {
    public Accepted {
      events = List.copyOf(events);
    }

    Accepted(TaskEvent event) {
      this(List.of(event));
    }
  }

  /** Refused; nothing happens. */
  record Rejected(Rejection rejection) implements Decision {}
}
