package holdfast.domain.port;

import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;

class InMemoryOutputStorageTest extends OutputStorageContractTest {
  private final InMemoryOutputStorage storage = new InMemoryOutputStorage();

  @Override
  protected OutputStorage storage() {
    return storage;
  }

  @Override
  protected void write(RunRef run, OutputStreamName stream, byte[] bytes) {
    storage.write(run, stream, bytes);
  }

  @Override
  protected void damageRaw(Output output, int offset) {
    storage.damageRaw(output, offset);
  }

  @Override
  protected void damageCopy(Output output) {
    storage.damageCopy(output, 0);
  }
}
