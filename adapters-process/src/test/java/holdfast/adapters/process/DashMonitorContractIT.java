package holdfast.adapters.process;

import org.junit.jupiter.api.condition.EnabledIf;

/** The contract under the shell's monitor, run by dash. */
@EnabledIf("available")
class DashMonitorContractIT extends LinuxProcessControlContract {
  DashMonitorContractIT() {
    super(LinuxProcessControl.Monitor.SHELL, "/bin/dash");
  }

  static boolean available() {
    return Worlds.has("/bin/dash");
  }
}
