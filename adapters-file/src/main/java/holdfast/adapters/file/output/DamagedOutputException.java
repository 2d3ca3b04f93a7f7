package holdfast.adapters.file.output;

import java.io.IOException;

/** Part of an output is damaged in both of its files. */
final class DamagedOutputException extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedOutputException(String message) {
    super(message);
  }
}
