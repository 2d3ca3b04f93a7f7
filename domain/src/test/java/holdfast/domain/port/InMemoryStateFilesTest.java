package holdfast.domain.port;

class InMemoryStateFilesTest extends StateFilesContractTest {
  private final InMemoryStateFiles files = new InMemoryStateFiles();

  @Override
  protected StateFiles files() {
    return files;
  }

  @Override
  protected void lose(EntityKey key) {
    files.lose(key);
  }
}
