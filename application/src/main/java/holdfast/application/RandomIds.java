package holdfast.application;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.task.TaskId;
import java.util.HexFormat;
import java.util.random.RandomGenerator;

/** Makes names that nobody can guess and that never repeat. Any thread. */
final class RandomIds {
  private static final int COOKIE_BYTES = 16;
  private static final int BITS_PER_CHAR = 5;

  private final RandomGenerator random;

  /**
   * @param random safe for use by several threads; cryptographically strong outside of tests
   */
  RandomIds(RandomGenerator random) {
    this.random = random;
  }

  TaskId task() {
    return new TaskId(name());
  }

  InitiativeId initiative() {
    return new InitiativeId(name());
  }

  /** The value by which a run's processes are known. */
  String cookie() {
    var bytes = new byte[COOKIE_BYTES];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private String name() {
    var bytes = new byte[TaskId.LENGTH];
    random.nextBytes(bytes);
    var chars = new char[TaskId.LENGTH];
    for (int i = 0; i < chars.length; i++) {
      chars[i] = TaskId.ALPHABET.charAt(bytes[i] & ((1 << BITS_PER_CHAR) - 1));
    }
    return new String(chars);
  }
}
