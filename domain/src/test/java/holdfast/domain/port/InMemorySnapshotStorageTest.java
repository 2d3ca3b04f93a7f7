package holdfast.domain.port;

class InMemorySnapshotStorageTest extends SnapshotStorageContractTest {
  private final InMemorySnapshotStorage storage = new InMemorySnapshotStorage();

  @Override
  protected SnapshotStorage storage() {
    return storage;
  }
}
