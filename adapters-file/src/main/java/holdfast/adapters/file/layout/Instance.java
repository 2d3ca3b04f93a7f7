package holdfast.adapters.file.layout;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.json.MalformedJsonException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Names the lineage that a directory holds.
 *
 * @param inode the number that this very file had when it was written: in a copy it differs
 */
public record Instance(UUID lineage, long inode) {
  private static final int BYTES_MAX = 4_096;

  /** No file has it. */
  private static final long NO_INODE = 0;

  /** The instance written at {@code file}, or null if it is missing or damaged. */
  public static @Nullable Instance read(Disk disk, Path file) throws IOException {
    if (disk.kind(file) != Disk.Kind.FILE) {
      return null;
    }
    try {
      JsonReader json = CheckedDocument.object(disk.readAll(file, BYTES_MAX));
      return json == null ? null : read(json, file);
    } catch (IOException _) {
      // What cannot be read is damaged: the lineage is known from the manifest and the journal.
      return null;
    }
  }

  private static @Nullable Instance read(JsonReader json, Path file) {
    try {
      Format.check(json, file.toString());
      UUID lineage = UUID.fromString(json.member("lineage").text());
      return new Instance(lineage, json.member("inode").number());
    } catch (MalformedJsonException | IllegalArgumentException _) {
      // Its checksum is right, so it was written like this: by no version that we know.
      return null;
    }
  }

  /** Writes the instance of {@code lineage}, durably, with the number of the file it is in. */
  public static Instance write(Disk disk, Path file, UUID lineage) throws IOException {
    return write(disk, file, lineage, true);
  }

  /** Writes the instance of a directory that is a copy of {@code lineage}, wherever it stands. */
  public static Instance writeOfCopy(Disk disk, Path file, UUID lineage) throws IOException {
    return write(disk, file, lineage, false);
  }

  private static Instance write(Disk disk, Path file, UUID lineage, boolean isOriginal)
      throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + Disk.TEMPORARY_SUFFIX);
    disk.delete(temporary);
    long inode;
    try (var opened = disk.open(temporary, Disk.Access.CREATE)) {
      inode = isOriginal ? disk.inode(temporary) : NO_INODE;
      var json =
          new JsonWriter(128)
              .beginObject()
              .field("format", Manifest.FORMAT)
              .field("lineage", lineage.toString())
              .field("inode", inode)
              .endObject();
      opened.write(java.nio.ByteBuffer.wrap(CheckedJson.bytes(json)), 0);
      opened.force();
    }
    disk.rename(temporary, file);
    disk.forceDirectory(Disk.parent(file));
    return new Instance(lineage, inode);
  }
}
