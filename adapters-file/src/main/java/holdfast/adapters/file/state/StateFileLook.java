package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Edit;
import holdfast.domain.port.StateFiles.Finding;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Looks at what stands where a state file belongs, and judges whether it is to be written anew;
 * what must not be overwritten unseen is put aside first. One thread at a time.
 */
final class StateFileLook {
  private final Disk disk;
  private final Quarantine quarantine;
  private final Supplier<Identity> identity;
  private final FileStateFiles.Progress progress;
  private final StateFilePlaces places;
  private final StateFileEdits edits;
  private final Predicate<WantedFile> isDurable;

  /** What a look at files adds to. */
  record Found(List<Finding> findings, List<EntityKey> unsettled) {}

  /**
   * @param isDurable whether this process has made this very version durable
   */
  StateFileLook(
      Disk disk,
      Quarantine quarantine,
      Supplier<Identity> identity,
      FileStateFiles.Progress progress,
      StateFilePlaces places,
      StateFileEdits edits,
      Predicate<WantedFile> isDurable) {
    this.disk = disk;
    this.quarantine = quarantine;
    this.identity = identity;
    this.progress = progress;
    this.places = places;
    this.edits = edits;
    this.isDurable = isDurable;
  }

  /** Whether the file is to be written; what was found is added to {@code found}. */
  boolean isOutdated(WantedFile wanted, Found found) throws IOException {
    List<Finding> findings = found.findings();
    Path file = wanted.file();
    clearShard(Disk.parent(file), findings);
    Instant modified = disk.modifiedOfFile(file);
    if (modified == null && disk.kind(file) == Disk.Kind.MISSING) {
      if (wanted.seq() <= checkpoint()) {
        findings.add(finding(wanted, Condition.MISSING, "there is no file", null));
      }
      return true;
    }
    if (modified == null) {
      String what = "expected a file, found something else";
      Path aside = quarantine.move(file, what, "memory");
      findings.add(finding(wanted, Condition.NOT_A_FILE, what, aside));
      return true;
    }
    wanted.looked().set(modified);
    byte[] bytes = places.read(file);
    if (bytes == null || !CheckedJson.isSound(bytes)) {
      return isToBeReplaced(wanted, modified, bytes, found);
    }
    boolean isOutdated = isSoundButOutdated(wanted, StateFile.decode(bytes), findings);
    if (!isOutdated) {
      edits.isSound(wanted.key(), modified);
    }
    return isOutdated;
  }

  /** What stands in a shard's place and is none would lead writes to somewhere else. */
  void clearShard(Path shard, List<Finding> findings) throws IOException {
    Disk.Kind kind = disk.kind(shard);
    if (kind != Disk.Kind.DIRECTORY && kind != Disk.Kind.MISSING) {
      String what = "expected a directory of state files";
      Path aside = quarantine.move(shard, what, "memory");
      findings.add(StateFileSweep.stranger(null, Condition.NOT_A_FILE, shard, what, aside));
    }
  }

  /** An edit stays where it is until it has been decided what becomes of it. */
  private boolean isToBeReplaced(
      WantedFile wanted, Instant modified, byte @Nullable [] bytes, Found found)
      throws IOException {
    StateFile said = bytes == null ? null : StateFile.decode(bytes);
    boolean isTouched =
        !wasSetTo(wanted, wanted.updatedAt())
            && (said == null || !wasSetTo(wanted, said.updatedAt()));
    EntityKey key = wanted.key();
    if (isTouched && edits.isJudged(key, bytes)) {
      return true;
    }
    if (isTouched && said == null && edits.isBeingWritten(key, wanted.file())) {
      found.unsettled().add(key);
      return false;
    }
    Edit edit = isTouched ? StateFileEdits.of(key, said, modified, bytes) : null;
    if (edit != null && said != null && bytes != null && said.key().equals(key)) {
      String what = "somebody edited it: version " + said.version() + " with another checksum";
      found.findings().add(putAside(wanted, Condition.EDITED, what, edit));
      edits.asked(key, bytes);
      found.unsettled().add(key);
      return false;
    }
    found.findings().add(putAside(wanted, Condition.DAMAGED, "its checksum is wrong", edit));
    return true;
  }

  private Finding putAside(WantedFile wanted, Condition condition, String what, @Nullable Edit edit)
      throws IOException {
    Path aside = quarantine.keep(wanted.file(), what, "memory");
    return new Finding(
        wanted.key(),
        condition,
        wanted.file().toString(),
        what,
        aside == null ? null : aside.toString(),
        edit);
  }

  /** Whether the file's time is the one that a version which was changed at {@code time} got. */
  private boolean wasSetTo(WantedFile wanted, Instant time) throws IOException {
    return disk.modified(wanted.file())
        .truncatedTo(ChronoUnit.MICROS)
        .equals(time.truncatedTo(ChronoUnit.MICROS));
  }

  private boolean isSoundButOutdated(
      WantedFile wanted, @Nullable StateFile said, List<Finding> findings) throws IOException {
    Identity present = identity.get();
    boolean isOurs =
        said != null
            && said.key().equals(wanted.key())
            && said.lineage().equals(present.lineage())
            && said.epoch() == present.epoch();
    if (said == null || !isOurs) {
      boolean isOlderEpoch =
          said != null
              && said.key().equals(wanted.key())
              && said.lineage().equals(present.lineage())
              && said.epoch() < present.epoch();
      if (isOlderEpoch && wanted.seq() > checkpoint()) {
        // An epoch has begun since: nothing is amiss, the file's turn has come.
        return true;
      }
      String what =
          said == null
              ? "its checksum is right, but no version that is known wrote it"
              : "it is of "
                  + said.key()
                  + ", lineage "
                  + said.lineage()
                  + ", epoch "
                  + said.epoch();
      Path aside = quarantine.keep(wanted.file(), what, "memory");
      findings.add(finding(wanted, Condition.FOREIGN, what, aside));
      return true;
    }
    if (said.seq() == wanted.seq() && said.version() == wanted.version()) {
      // An earlier process wrote it, or a force failed: readable, and maybe not on the disk.
      return wanted.seq() > checkpoint() && !isDurable.test(wanted);
    }
    String what =
        "it has version "
            + said.version()
            + " of seq "
            + said.seq()
            + "; memory has version "
            + wanted.version()
            + " of seq "
            + wanted.seq();
    if (said.seq() > progress.lastSeq().getAsLong()) {
      Path kept = quarantine.keep(wanted.file(), what, null);
      findings.add(
          finding(
              wanted,
              Condition.AHEAD,
              what
                  + ": the journal has lost what came after. Stop the server and put the missing"
                  + " segments back from a backup",
              kept));
      return false;
    }
    if (said.seq() > wanted.seq() || said.version() > wanted.version()) {
      Path kept = quarantine.keep(wanted.file(), what, "memory");
      findings.add(finding(wanted, Condition.FOREIGN, what, kept));
    } else if (wanted.seq() <= checkpoint()) {
      findings.add(finding(wanted, Condition.STALE, what, null));
    }
    return true;
  }

  private static Finding finding(
      WantedFile wanted, Condition condition, String detail, @Nullable Path aside) {
    return new Finding(
        wanted.key(),
        condition,
        wanted.file().toString(),
        detail,
        aside == null ? null : aside.toString());
  }

  private long checkpoint() {
    return progress.checkpoint().getAsLong();
  }
}
