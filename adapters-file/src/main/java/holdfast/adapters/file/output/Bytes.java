package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reading so many bytes, and not fewer. */
final class Bytes {
  private Bytes() {}

  /**
   * Reads so many bytes.
   *
   * @return false if the file ends before
   */
  static boolean fill(DiskFile file, long offset, byte[] target, int index, int length)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(target, index, length);
    while (buffer.hasRemaining()) {
      int at = buffer.position() - index;
      if (file.read(buffer, offset + at) <= 0) {
        return false;
      }
    }
    return true;
  }
}
