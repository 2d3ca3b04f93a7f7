package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.ProcessControlContractTest;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The contract with real processes; its subclasses choose the monitor. */
abstract class LinuxProcessControlContract extends ProcessControlContractTest {
  @TempDir Path data;

  private final LinuxProcessControl.Monitor monitor;
  private final String shell;

  LinuxProcessControlContract(LinuxProcessControl.Monitor monitor, String shell) {
    this.monitor = monitor;
    this.shell = shell;
  }

  @Override
  protected ProcessControl open(long quotaBytes) {
    return new LinuxProcessControl(Worlds.settings(data, quotaBytes).withMonitor(monitor, shell));
  }

  @Override
  protected byte[] output(RunRef run, OutputStreamName stream) {
    try {
      return Files.readAllBytes(
          Worlds.runDirectory(data, run).resolve(RunDirectory.fileOf(stream)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
