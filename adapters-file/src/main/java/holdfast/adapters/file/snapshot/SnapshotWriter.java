package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.json.StoredJson;
import holdfast.domain.port.StateImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.function.BiConsumer;

/**
 * Writes an image of the state into a file, block by block: no more than a block is in memory. Used
 * once, by one thread.
 */
final class SnapshotWriter {
  private final DiskFile file;
  private final MessageDigest digest = SnapshotReader.sha256();
  private JsonWriter lines = new JsonWriter(2 * Block.BYTES_USUAL);
  private long offset;
  private long bytes;

  private SnapshotWriter(DiskFile file) {
    this.file = file;
  }

  /** Writes all of it and forces the file. */
  static SnapshotFooter write(DiskFile file, SnapshotHeader header, StateImage image)
      throws IOException {
    var writer = new SnapshotWriter(file);
    writer.line(header, (json, value) -> value.write(json));
    writer.flush();
    writer.lines(image.tombstones(), StoredJson::write);
    writer.lines(image.idempotency(), StoredJson::write);
    writer.lines(image.initiatives(), StoredJson::writeInitiative);
    writer.lines(image.tasks(), StoredJson::writeTask);
    writer.flush();
    var footer =
        new SnapshotFooter(
            image.tasks().size(),
            image.initiatives().size(),
            image.tombstones().size(),
            image.idempotency().size(),
            writer.bytes,
            HexFormat.of().formatHex(writer.digest.digest()));
    writer.line(footer, (json, value) -> value.write(json));
    writer.flush();
    file.force();
    return footer;
  }

  private <T> void lines(Iterable<T> values, BiConsumer<JsonWriter, T> write) throws IOException {
    for (T value : values) {
      line(value, write);
      if (lines.length() >= Block.BYTES_USUAL) {
        flush();
      }
    }
  }

  private <T> void line(T value, BiConsumer<JsonWriter, T> write) {
    lines.nextText();
    write.accept(lines, value);
    lines.newline();
  }

  private void flush() throws IOException {
    int length = lines.length();
    if (length == 0) {
      return;
    }
    digest.update(lines.array(), 0, length);
    bytes += length;
    ByteBuffer block = Block.encode(lines.array(), length);
    int blockBytes = block.remaining();
    file.write(block, offset);
    offset += blockBytes;
    lines = new JsonWriter(2 * Block.BYTES_USUAL);
  }
}
