package holdfast.adapters.process;

import org.junit.jupiter.api.condition.EnabledIf;

/** The contract under the native monitor, where a C compiler built one. */
@EnabledIf("available")
class NativeMonitorContractIT extends LinuxProcessControlContract {
  NativeMonitorContractIT() {
    super(LinuxProcessControl.Monitor.NATIVE, "/bin/sh");
  }

  static boolean available() {
    return NativeMonitorContractIT.class.getResource("monitor-" + Kernel.Processor.THIS.machine())
        != null;
  }
}
