package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An edit of a readable copy, and what was done about it.
 *
 * @param id sorts by time
 * @param kept which side is in force
 * @param resolved whether nobody needs to look at it any more
 * @param memory what memory had, or null if it had no such entity
 * @param persistent what the copy said, or null if that was no entity
 * @param quarantine where the copy's bytes are, or null
 * @param reason why a rule refused the edit, or null if none did
 */
public record Conflict(
    String id,
    EntityKey key,
    Instant at,
    SyncStrategy strategy,
    Kept kept,
    boolean resolved,
    @Nullable Side memory,
    @Nullable Side persistent,
    @Nullable String quarantine,
    @Nullable String reason) {

  /** The sides of a conflict. */
  public enum Kept {
    MEMORY,
    PERSISTENT
  }

  /** An entity as one side has it. */
  public sealed interface Side {
    record OfTask(Stored<Task> task) implements Side {}

    record OfInitiative(Stored<Initiative> initiative) implements Side {}
  }

  /** The same, once somebody has said which side is to be in force. */
  public Conflict settled(Kept side) {
    return new Conflict(id, key, at, strategy, side, true, memory, persistent, quarantine, reason);
  }
}
