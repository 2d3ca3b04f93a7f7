package holdfast.domain.port;

import java.time.Instant;
import java.util.Locale;

/** Which side stays in force when somebody has edited the readable copy of an entity. */
public enum SyncStrategy {
  /** What memory has, always. */
  MEMORY_WINS,
  /** What the copy says, wherever the rules of the domain allow it. */
  PERSISTENT_WINS,
  /** Whichever was changed last. */
  NEWEST_WINS;

  /** How configuration and API call it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Whether an edit is to be taken over.
   *
   * @param onlyDisk whether memory has not changed since the copy was written
   * @param modified when the copy was edited
   * @param updatedAt when memory last changed; at a tie, it wins
   * @param now a copy from later than that wins against no change of memory
   */
  public boolean adopts(boolean onlyDisk, Instant modified, Instant updatedAt, Instant now) {
    return switch (this) {
      case MEMORY_WINS -> false;
      case PERSISTENT_WINS -> true;
      case NEWEST_WINS -> onlyDisk || (modified.isAfter(updatedAt) && !modified.isAfter(now));
    };
  }
}
