package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Swept;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Goes through the directories of the state files, a shard at a time, and puts aside what belongs
 * to no entity: files of unknown ones, files under other names, what is no file at all. What a
 * crash left half written is deleted; run directories, which stand there too, are let alone. A file
 * beyond the journal's end is copied aside and stays: it tells of lost history.
 *
 * <p>One thread at a time.
 */
final class StateFileSweep {
  private final StateFilePlaces places;
  private final Disk disk;
  private final Quarantine quarantine;
  private final Supplier<Identity> identity;
  private final LongSupplier lastSeq;
  private final StateFileEdits edits;
  private final List<Path> unswept = new ArrayList<>();

  /**
   * @param lastSeq the newest durable seq
   * @param edits told of what waits for a decision
   */
  StateFileSweep(
      StateFilePlaces places,
      Quarantine quarantine,
      Supplier<Identity> identity,
      LongSupplier lastSeq,
      StateFileEdits edits) {
    this.places = places;
    this.disk = places.disk();
    this.quarantine = quarantine;
    this.identity = identity;
    this.lastSeq = lastSeq;
    this.edits = edits;
  }

  /** Goes through the next shard, and begins anew after the last. */
  Swept next(Predicate<EntityKey> exists) throws IOException {
    if (unswept.isEmpty()) {
      addShards(places.directory(EntityKey.Kind.TASK));
      addShards(places.directory(EntityKey.Kind.INITIATIVE));
    }
    if (unswept.isEmpty()) {
      return new Swept(0, true, List.of());
    }
    Path shard = unswept.removeLast();
    var findings = new ArrayList<Finding>();
    int looked = sweep(shard, exists, findings);
    return new Swept(looked, unswept.isEmpty(), findings);
  }

  private void addShards(Path directory) throws IOException {
    for (String name : disk.list(directory)) {
      unswept.add(directory.resolve(name));
    }
  }

  private int sweep(Path shard, Predicate<EntityKey> exists, List<Finding> findings)
      throws IOException {
    if (disk.kind(shard) != Disk.Kind.DIRECTORY) {
      String what = "expected a directory of state files";
      Path aside = quarantine.move(shard, what, null);
      findings.add(stranger(null, Condition.NOT_A_FILE, shard, what, aside));
      return 1;
    }
    List<String> names = disk.list(shard);
    for (String name : names) {
      Path path = shard.resolve(name);
      boolean isRunDirectories =
          shard.startsWith(places.directory(EntityKey.Kind.TASK))
              && TaskId.isValid(name)
              && disk.kind(path) == Disk.Kind.DIRECTORY;
      if (isRunDirectories) {
        continue;
      }
      if (name.endsWith(Disk.TEMPORARY_SUFFIX) && disk.kind(path) == Disk.Kind.FILE) {
        disk.delete(path);
        continue;
      }
      sweepFile(path, name, exists, findings);
    }
    return names.size();
  }

  private void sweepFile(
      Path path, String name, Predicate<EntityKey> exists, List<Finding> findings)
      throws IOException {
    EntityKey key = places.key(path, name);
    if (key != null && disk.kind(path) == Disk.Kind.FILE && exists.test(key)) {
      return;
    }
    Condition condition = Condition.UNKNOWN;
    String what = "there is no such entity";
    if (key == null) {
      what = "its name is none that the server gives";
    } else if (disk.kind(path) == Disk.Kind.FILE) {
      byte[] bytes = places.read(path);
      if (isBroughtIn(path, key, bytes, findings)) {
        return;
      }
      StateFile said = bytes != null && CheckedJson.isSound(bytes) ? StateFile.decode(bytes) : null;
      if (said != null && isAhead(said)) {
        findings.add(
            stranger(
                key,
                Condition.AHEAD,
                path,
                "it is of seq " + said.seq() + ", which the journal does not know",
                quarantine.keep(path, "beyond the journal's end", null)));
        return;
      }
      condition = said == null ? Condition.UNKNOWN : Condition.FOREIGN;
    }
    findings.add(stranger(key, condition, path, what, quarantine.move(path, what, null)));
  }

  /** A file without a checksum was never ours: whether it may come in is for others to say. */
  private boolean isBroughtIn(
      Path path, EntityKey key, byte @Nullable [] bytes, List<Finding> findings)
      throws IOException {
    StateFile said = bytes == null ? null : StateFile.decode(bytes);
    if (said == null) {
      return bytes != null && edits.isBeingWritten(key, path);
    }
    if (bytes == null || said.hasChecksum()) {
      return false;
    }
    if (!edits.isJudged(key, bytes)) {
      edits.asked(key, bytes);
      findings.add(
          new Finding(
              key,
              Condition.UNKNOWN,
              path.toString(),
              "there is no such entity",
              null,
              StateFileEdits.of(key, said, disk.modified(path), bytes)));
    }
    return true;
  }

  private boolean isAhead(StateFile said) {
    Identity present = identity.get();
    return said.lineage().equals(present.lineage())
        && said.epoch() == present.epoch()
        && said.seq() > lastSeq.getAsLong();
  }

  /** A finding of what stands where it does not belong. */
  static Finding stranger(
      @Nullable EntityKey key, Condition condition, Path path, String what, @Nullable Path aside) {
    return new Finding(
        key, condition, path.toString(), what, aside == null ? null : aside.toString());
  }
}
