package holdfast.domain.task;

/**
 * The name of a task: {@value #LENGTH} characters of lower-case Crockford base 32 (100 random
 * bits).
 *
 * <p>The alphabet cannot spell a path, an option or another encoding of the same id, so an id is
 * safe as a file name as it stands.
 */
public record TaskId(String value) implements Comparable<TaskId> {
  public static final int LENGTH = 20;
  public static final String ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

  /**
   * @throws IllegalArgumentException if {@code value} could not have been issued
   */
  public TaskId {
    if (!isValid(value)) {
      throw new IllegalArgumentException("not a task id: \"" + value + "\"");
    }
  }

  /** Whether {@code text} has the form of an id; says nothing about whether such a task exists. */
  public static boolean isValid(String text) {
    if (text.length() != LENGTH) {
      return false;
    }
    for (int i = 0; i < LENGTH; i++) {
      if (ALPHABET.indexOf(text.charAt(i)) < 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int compareTo(TaskId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
