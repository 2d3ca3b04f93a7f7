package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles.Edit;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What is known of edits that stand in state files: which wait for a decision, which have been
 * decided, and which somebody may still be writing. One thread at a time.
 */
final class StateFileEdits {
  /** What was written a shorter time ago and makes no sense may be half of something. */
  private static final Duration FRESH = Duration.ofSeconds(1);

  /** Who writes again and again does not put off the judgement for ever. */
  private static final Duration WAIT_MAX = Duration.ofSeconds(3);

  private static final int REMEMBERED_MAX = 100_000;

  private final Disk disk;
  private final InstantSource clock;
  private final Map<EntityKey, Content> found = new HashMap<>();
  private final Map<EntityKey, Content> judged = new HashMap<>();
  private final Map<EntityKey, Instant> waiting = new HashMap<>();

  /** Files that are as they were written, though somebody touched them: when. */
  private final Map<EntityKey, Instant> sound = new HashMap<>();

  StateFileEdits(Disk disk, InstantSource clock) {
    this.disk = disk;
    this.clock = clock;
  }

  private record Content(int length, long crc) {
    static Content of(byte[] bytes) {
      var crc = new CRC32C();
      crc.update(bytes);
      return new Content(bytes.length, crc.getValue());
    }
  }

  /** Whether these bytes are what it has been decided about. */
  boolean isJudged(EntityKey key, byte @Nullable [] bytes) {
    return bytes != null && Content.of(bytes).equals(judged.get(key));
  }

  /** Remembers that a decision is asked for. */
  void asked(EntityKey key, byte[] bytes) {
    found.put(key, Content.of(bytes));
  }

  void judged(EntityKey key) {
    Content content = found.remove(key);
    if (content != null) {
      judged.put(key, content);
    }
  }

  /** Nothing of an edit is left in the file. */
  void replaced(EntityKey key) {
    judged.remove(key);
    found.remove(key);
    waiting.remove(key);
    sound.remove(key);
  }

  /** Whether the file was written to just now, so that what makes no sense may be half of it. */
  boolean isBeingWritten(EntityKey key, Path file) throws IOException {
    Instant now = clock.instant();
    Instant modified = disk.modified(file);
    boolean isFresh = Duration.between(modified, now).abs().compareTo(FRESH) < 0;
    Instant since = waiting.computeIfAbsent(key, _ -> now);
    if (isFresh && Duration.between(since, now).compareTo(WAIT_MAX) < 0) {
      return true;
    }
    waiting.remove(key);
    return false;
  }

  /** Remembers that the file was looked at and is as it was written. */
  void isSound(EntityKey key, Instant modified) {
    if (sound.size() >= REMEMBERED_MAX) {
      sound.clear();
    }
    sound.put(key, modified);
  }

  boolean isKnownAsSound(EntityKey key, Instant modified) {
    return modified.equals(sound.get(key));
  }

  /** What the file says, as an edit of this entity. */
  static Edit of(
      EntityKey key, @Nullable StateFile said, Instant modified, byte @Nullable [] bytes) {
    if (said == null) {
      String why =
          bytes == null
              ? "it cannot be read, or is larger than a state file may be"
              : StateFile.fault(bytes);
      return new Edit(0, 0, modified, null, "it is no entity: " + why);
    }
    String fault = null;
    if (!said.key().equals(key)) {
      fault = "it is of " + said.key().id() + ", in the file of " + key.id();
    } else if (said.revision() != said.version()) {
      fault = "its version " + said.version() + " and revision " + said.revision() + " differ";
    }
    return new Edit(said.version(), said.seq(), modified, said.side(), fault);
  }
}
