package holdfast.bootstrap;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Whether an address can be reached from this machine alone. */
final class Loopback {
  private Loopback() {}

  /**
   * @throws ConfigurationException if {@code host} is no address of any kind
   */
  static boolean is(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException unknown) {
      throw new ConfigurationException(
          "host \"" + host + "\" is neither an address nor a name that resolves");
    }
  }
}
