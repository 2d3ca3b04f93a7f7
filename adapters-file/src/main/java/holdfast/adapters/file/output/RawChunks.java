package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The file that the command wrote to. */
final class RawChunks implements Chunks {
  private static final int WINDOW = 64 << 10;

  private final DiskFile file;
  private final OutputSeal seal;
  private byte @Nullable [] window;

  RawChunks(DiskFile file, OutputSeal seal) {
    this.file = file;
    this.seal = seal;
  }

  DiskFile file() {
    return file;
  }

  @Override
  public boolean read(int number, byte[] target) {
    try {
      int length = Chunks.length(seal, number);
      return Bytes.fill(file, (long) number * OutputSeal.CHUNK, target, 0, length);
    } catch (IOException _) {
      return false;
    }
  }

  /** Whether a chunk has this CRC-32C; needs little memory. */
  boolean has(int number, int expected) {
    if (window == null) {
      window = new byte[(int) Math.min(WINDOW, seal.bytes())];
    }
    int length = Chunks.length(seal, number);
    var crc = new CRC32C();
    try {
      for (int at = 0; at < length; at += window.length) {
        int bytes = Math.min(window.length, length - at);
        if (!Bytes.fill(file, (long) number * OutputSeal.CHUNK + at, window, 0, bytes)) {
          return false;
        }
        crc.update(window, 0, bytes);
      }
    } catch (IOException _) {
      return false;
    }
    return (int) crc.getValue() == expected;
  }

  @Override
  public @Nullable Sum stated(int number) {
    return null;
  }

  /** What is behind the sealed bytes was written late, and is no damage. */
  @Override
  public boolean isWellFormed() throws IOException {
    return file.size() >= seal.bytes();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
