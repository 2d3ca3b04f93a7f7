package holdfast.domain.port;

class InMemoryRecoveryStorageTest extends RecoveryStorageContractTest {
  private final InMemoryRecoveryStorage storage = new InMemoryRecoveryStorage();

  @Override
  protected RecoveryStorage storage() {
    return storage;
  }
}
