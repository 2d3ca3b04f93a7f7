package holdfast.adapters.file.json;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A file of JSON that a person can read and that knows when it is damaged: one object, whose last
 * member is a checksum over every byte before it. What follows that is always the same.
 *
 * <pre>
 *  {
 *    "format": 3,
 *    …
 *    "checksum": "crc32c-0badcafe"
 *  }
 * </pre>
 */
public final class CheckedJson {
  public static final String CHECKSUM = "checksum";

  private static final String LABEL = ",\n  \"" + CHECKSUM + "\": \"crc32c-";
  private static final int CRC_CHARS = 8;
  private static final String END = "\"\n}\n";
  private static final int TRAILER_BYTES = LABEL.length() + CRC_CHARS + END.length();

  private CheckedJson() {}

  /** The file for an object without white space that has at least one member. */
  public static byte[] bytes(JsonWriter object) {
    byte[] pretty = JsonLayout.indented(object.array(), object.length());
    // Without the newline and the brace at the end: that is the last member's place.
    int covered = pretty.length - 2;
    byte[] trailer = trailer(pretty, covered);
    byte[] all = Arrays.copyOf(pretty, covered + trailer.length);
    System.arraycopy(trailer, 0, all, covered, trailer.length);
    return all;
  }

  private static byte[] trailer(byte[] bytes, int covered) {
    var crc = new CRC32C();
    crc.update(bytes, 0, covered);
    return (LABEL + String.format("%08x", crc.getValue()) + END)
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** Whether the bytes are as they were written. */
  public static boolean isSound(byte[] bytes) {
    int covered = bytes.length - TRAILER_BYTES;
    return covered > 0
        && Arrays.equals(trailer(bytes, covered), 0, TRAILER_BYTES, bytes, covered, bytes.length);
  }

  /** Reads the object; null if the file is not as it was written. */
  public static @Nullable JsonReader object(byte[] bytes) {
    if (!isSound(bytes)) {
      return null;
    }
    byte[] compact = JsonLayout.compact(bytes);
    return new JsonReader(compact, 0, compact.length);
  }
}
