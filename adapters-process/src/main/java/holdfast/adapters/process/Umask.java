package holdfast.adapters.process;

import java.nio.charset.StandardCharsets;

/** The server's file mode creation mask, which commands inherit. */
final class Umask {
  private static final String FALLBACK = "022";

  // A JVM has no way to change it.
  private static final String OCTAL = read();

  private Umask() {}

  /** As octal digits. */
  static String octal() {
    return OCTAL;
  }

  private static String read() {
    int fd = Kernel.open(Kernel.AT_FDCWD, "/proc/self/status", Kernel.O_RDONLY, 0);
    if (fd < 0) {
      return FALLBACK;
    }
    try {
      return new String(
              Kernel.readToEnd(fd, 4_096, "read /proc/self/status"), StandardCharsets.US_ASCII)
          .lines()
          .filter(line -> line.startsWith("Umask:"))
          .map(line -> line.substring("Umask:".length()).strip())
          .findFirst()
          .orElse(FALLBACK);
    } finally {
      Kernel.close(fd);
    }
  }
}
