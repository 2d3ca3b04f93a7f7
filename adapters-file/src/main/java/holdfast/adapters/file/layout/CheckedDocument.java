package holdfast.adapters.file.layout;

import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.json.JsonReader;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A small file of {@link CheckedJson}, or of format 1, where the checksum was a line of its own:
 *
 * <pre>
 *  {"format":1, … }
 *  crc32c 0badcafe
 * </pre>
 */
final class CheckedDocument {
  private static final String LABEL = "\ncrc32c ";
  private static final int TRAILER_BYTES = LABEL.length() + 8 + 1;

  private CheckedDocument() {}

  /** Reads the object; null if the file is damaged. */
  static @Nullable JsonReader object(byte[] bytes) {
    JsonReader json = CheckedJson.object(bytes);
    return json == null ? ofFormat1(bytes) : json;
  }

  private static @Nullable JsonReader ofFormat1(byte[] bytes) {
    int length = bytes.length - TRAILER_BYTES;
    if (length < 2) {
      return null;
    }
    byte[] trailer = trailer(bytes, length);
    for (int i = 0; i < TRAILER_BYTES; i++) {
      if (trailer[i] != bytes[length + i]) {
        return null;
      }
    }
    return new JsonReader(bytes, 0, length);
  }

  private static byte[] trailer(byte[] json, int length) {
    var crc = new CRC32C();
    crc.update(json, 0, length);
    return (LABEL + String.format("%08x", crc.getValue()) + "\n")
        .getBytes(StandardCharsets.US_ASCII);
  }
}
