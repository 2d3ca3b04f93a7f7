package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.json.StoredJson.Entry;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.EntityKey;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads state files where they are the best that is left, or tell of more. Changes nothing. */
public final class StateFileReader {
  /** So many are simply all read; of more, only those that can differ. */
  private static final int ALL_READ_MAX = 10_000;

  private final Disk disk;
  private final StateFilePlaces places;

  public StateFileReader(Disk disk, Layout layout) {
    this.disk = disk;
    places = new StateFilePlaces(disk, layout);
  }

  /** A file that does not tell what its entity is. */
  public record Unusable(EntityKey key, Path file, String why) {}

  /**
   * What was read.
   *
   * @param unusable files that are not as any server of this epoch wrote them
   * @param absent files that are not there though their tasks have run directories: a purge may
   *     have left those, so it proves nothing
   * @param seqMax of the newest change that any file holds; 0 without any
   */
  public record Read(List<Unusable> unusable, List<Path> absent, long seqMax) {}

  /** A sound file of a change beyond what was looked for. */
  public record Ahead(Path file, long seq) {}

  @FunctionalInterface
  private interface Visitor {
    void file(EntityKey key, Path file) throws IOException;
  }

  /** Reads every file, and hands over the entities of those that are sound and of this epoch. */
  public Read read(UUID lineage, long epoch, Consumer<Entry> sink) throws IOException {
    var unusable = new ArrayList<Unusable>();
    long[] seqMax = {0};
    each(
        (key, file) -> {
          StateFile said = sound(file);
          String why = why(said, key, lineage, epoch);
          if (said == null || why != null) {
            unusable.add(new Unusable(key, file, why == null ? "is damaged" : why));
          } else {
            seqMax[0] = Math.max(seqMax[0], said.seq());
            sink.accept(said.entry());
          }
        });
    return new Read(unusable, absent(), seqMax[0]);
  }

  /** Why a file cannot be believed, or null. */
  private static @Nullable String why(
      @Nullable StateFile said, EntityKey key, UUID lineage, long epoch) {
    if (said == null) {
      return "is damaged";
    }
    if (!said.key().equals(key)) {
      return "is of " + said.key();
    }
    if (!said.lineage().equals(lineage)) {
      return "is of lineage " + said.lineage() + ", not of " + lineage;
    }
    return said.epoch() == epoch ? null : "is of epoch " + said.epoch() + ", not of " + epoch;
  }

  /**
   * Finds sound files of this epoch that hold a later change than {@code seq}.
   *
   * @param updatedAt when each entity changed last, as far as is known: a file with just this time
   *     holds just this change, and where there are very many it is not read
   */
  public List<Ahead> ahead(
      UUID lineage, long epoch, long seq, Function<EntityKey, @Nullable Instant> updatedAt)
      throws IOException {
    var files = new ArrayList<Path>();
    var keys = new ArrayList<EntityKey>();
    each(
        (key, file) -> {
          files.add(file);
          keys.add(key);
        });
    var ahead = new ArrayList<Ahead>();
    for (int i = 0; i < files.size(); i++) {
      Path file = files.get(i);
      if (files.size() > ALL_READ_MAX && isOf(file, updatedAt.apply(keys.get(i)))) {
        continue;
      }
      StateFile said = sound(file);
      if (said != null && why(said, keys.get(i), lineage, epoch) == null && said.seq() > seq) {
        ahead.add(new Ahead(file, said.seq()));
      }
    }
    return ahead;
  }

  private boolean isOf(Path file, @Nullable Instant updatedAt) throws IOException {
    return updatedAt != null
        && disk.modified(file)
            .truncatedTo(ChronoUnit.MICROS)
            .equals(updatedAt.truncatedTo(ChronoUnit.MICROS));
  }

  private @Nullable StateFile sound(Path file) {
    try {
      byte[] bytes = disk.readAll(file, StateFilePlaces.BYTES_MAX);
      return CheckedJson.isSound(bytes) ? StateFile.decode(bytes) : null;
    } catch (IOException _) {
      // What cannot be read is damaged, not absent.
      return null;
    }
  }

  private void each(Visitor visitor) throws IOException {
    for (EntityKey.Kind kind : EntityKey.Kind.values()) {
      for (Path shard : shards(kind)) {
        for (String name : disk.list(shard)) {
          EntityKey key = key(kind, shard, name);
          if (key != null) {
            visitor.file(key, shard.resolve(name));
          }
        }
      }
    }
  }

  private List<Path> shards(EntityKey.Kind kind) throws IOException {
    var shards = new ArrayList<Path>();
    Path directory = places.directory(kind);
    for (String name : disk.list(directory)) {
      Path shard = directory.resolve(name);
      if (disk.kind(shard) == Disk.Kind.DIRECTORY) {
        shards.add(shard);
      }
    }
    return shards;
  }

  private static @Nullable EntityKey key(EntityKey.Kind kind, Path shard, String name) {
    int end = name.length() - StateFilePlaces.SUFFIX.length();
    String id = name.endsWith(StateFilePlaces.SUFFIX) ? name.substring(0, end) : "";
    boolean isInPlace = TaskId.isValid(id) && shard.endsWith(Layout.shard(id));
    return isInPlace ? new EntityKey(kind, id) : null;
  }

  /** The task whose file this is. */
  public static EntityKey keyOfTask(Path file) {
    String name = String.valueOf(file.getFileName());
    return new EntityKey(
        EntityKey.Kind.TASK, name.substring(0, name.length() - StateFilePlaces.SUFFIX.length()));
  }

  private List<Path> absent() throws IOException {
    var absent = new ArrayList<Path>();
    for (Path shard : shards(EntityKey.Kind.TASK)) {
      List<String> names = disk.list(shard);
      for (String name : names) {
        String file = name + StateFilePlaces.SUFFIX;
        if (TaskId.isValid(name) && !names.contains(file)) {
          absent.add(shard.resolve(file));
        }
      }
    }
    return absent;
  }
}
