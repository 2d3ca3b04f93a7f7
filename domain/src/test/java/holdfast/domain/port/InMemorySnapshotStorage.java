package holdfast.domain.port;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Snapshots for tests. */
public final class InMemorySnapshotStorage implements SnapshotStorage {
  private static final int RELIED_UPON = 2;

  private final List<Snapshot> snapshots = new ArrayList<>();
  private final List<StateImage> images = new ArrayList<>();

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
    images.add(image);
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
