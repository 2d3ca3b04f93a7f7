package holdfast.domain.port;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Snapshots for tests. */
public final class InMemorySnapshotStorage implements SnapshotStorage {
  private static final int RELIED_UPON = 2;

  private final List<Snapshot> snapshots = new ArrayList<>();
  private final List<StateImage> images = new ArrayList<>();
  private final Map<String, StateImage> byId = new HashMap<>();
  private final Map<String, String> damaged = new HashMap<>();
  private boolean isFull;
  private int refused;

  /** The images that were saved, oldest first. */
  public synchronized List<StateImage> images() {
    return List.copyOf(images);
  }

  @Override
  public synchronized Snapshot save(StateImage image, Reason reason) {
    var snapshot =
        new Snapshot(
            String.format("%06d-%d", images.size() + 1, image.seq()),
            image.at(),
            image.seq(),
            "epoch-1",
            reason,
            image.tasks().size(),
            image.initiatives().size(),
            0,
            Integer.toHexString(image.hashCode()),
            true);
    if (isFull) {
      refused++;
      throw new StorageFullException("no room", new IOException("No space left on device"));
    }
    images.add(image);
    byId.put(snapshot.id(), image);
    snapshots.addFirst(snapshot);
    return snapshot;
  }

  @Override
  public synchronized List<Snapshot> list() {
    return List.copyOf(snapshots);
  }

  @Override
  public synchronized Optional<Snapshot> find(String id) {
    return snapshots.stream().filter(snapshot -> snapshot.id().equals(id)).findFirst();
  }

  @Override
  public synchronized Loading load(String id) {
    if (damaged.containsKey(id)) {
      return new Loading.Unusable(damaged.get(id));
    }
    StateImage image = byId.get(id);
    return image == null || find(id).isEmpty()
        ? new Loading.NoSuchSnapshot()
        : new Loading.Loaded(image);
  }

  /** Lets a snapshot be unusable from now on. */
  public synchronized void damage(String id, String detail) {
    damaged.put(id, detail);
  }

  /** Lets there be no room for any more. */
  public synchronized void full(boolean full) {
    isFull = full;
  }

  /** How many found no room. */
  public synchronized int refused() {
    return refused;
  }

  @Override
  public synchronized Verification verify(String id) {
    return find(id)
        .<Verification>map(Verification.Whole::new)
        .orElseGet(Verification.NoSuchSnapshot::new);
  }

  @Override
  public synchronized Deletion delete(String id) {
    Snapshot found = find(id).orElse(null);
    if (found == null) {
      return new Deletion.NoSuchSnapshot();
    }
    if (snapshots.indexOf(found) < RELIED_UPON) {
      return new Deletion.Needed("it is one of the newest two");
    }
    snapshots.remove(found);
    return new Deletion.Deleted();
  }

  @Override
  public synchronized boolean wanted() {
    return false;
  }
}
