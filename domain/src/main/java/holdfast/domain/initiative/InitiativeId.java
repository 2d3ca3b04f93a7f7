package holdfast.domain.initiative;

import holdfast.domain.task.TaskId;

/** The name of an initiative, of the same form as a {@link TaskId}. */
public record InitiativeId(String value) implements Comparable<InitiativeId> {
  /**
   * @throws IllegalArgumentException if {@code value} could not have been issued
   */
  public InitiativeId {
    if (!isValid(value)) {
      throw new IllegalArgumentException("not an initiative id: \"" + value + "\"");
    }
  }

  /** Whether {@code text} has the form of an id. */
  public static boolean isValid(String text) {
    return TaskId.isValid(text);
  }

  @Override
  public int compareTo(InitiativeId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
