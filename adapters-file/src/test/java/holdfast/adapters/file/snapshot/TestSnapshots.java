package holdfast.adapters.file.snapshot;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Snapshots that no version of today writes. */
public final class TestSnapshots {
  private TestSnapshots() {}

  /** The beginning of a snapshot of another format. */
  public static byte[] ofFormat(int format, String id) {
    byte[] line =
        ("{\"format\":" + format + ",\"snapshot\":\"" + id + "\"}\n")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer block = Block.encode(line, line.length);
    var bytes = new byte[block.remaining()];
    block.get(bytes);
    return bytes;
  }
}
