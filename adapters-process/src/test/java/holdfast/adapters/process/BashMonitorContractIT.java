package holdfast.adapters.process;

import org.junit.jupiter.api.condition.EnabledIf;

/** The contract under the shell's monitor, run by bash. */
@EnabledIf("available")
class BashMonitorContractIT extends LinuxProcessControlContract {
  BashMonitorContractIT() {
    super(LinuxProcessControl.Monitor.SHELL, "/bin/bash");
  }

  static boolean available() {
    return Worlds.has("/bin/bash");
  }
}
