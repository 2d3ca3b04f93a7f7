package holdfast.adapters.file.layout;

import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A small file that a person can read and that knows when it is damaged: one JSON object, then a
 * line with the CRC-32C of that object.
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

  static byte[] bytes(JsonWriter object) {
    byte[] json = object.toByteArray();
    byte[] trailer = trailer(json, json.length);
    byte[] all = new byte[json.length + trailer.length];
    System.arraycopy(json, 0, all, 0, json.length);
    System.arraycopy(trailer, 0, all, json.length, trailer.length);
    return all;
  }

  /** Reads the object; null if the file is damaged. */
  static @Nullable JsonReader object(byte[] bytes) {
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
