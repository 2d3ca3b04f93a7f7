package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes either file of a stream from the other, durably.
 *
 * @param chunks that the stream has
 */
record Rebuilding(OutputFiles files, int chunks) {

  /** Gives the bytes of a chunk; they are valid until the next call. */
  @FunctionalInterface
  interface Source {
    ByteBuffer chunk(int number) throws IOException;
  }

  /**
   * Puts chunks of the raw file right where they stand, so that whoever still appends to it goes on
   * doing so; a crash in the middle leaves damage that is found again. Where there is no file, one
   * is made in one step.
   *
   * @param damaged the chunks
   * @param cut whether what is behind the last chunk goes
   * @param mended takes what was done
   */
  void raw(List<Integer> damaged, boolean cut, Source source, List<Mended> mended)
      throws IOException {
    Disk disk = files.disk();
    Path file = files.raw();
    String from = files.copy().toString();
    if (disk.kind(file) != Disk.Kind.FILE) {
      boolean isMissing = disk.kind(file) == Disk.Kind.MISSING;
      Mended one = files.putAside(file, isMissing ? "is missing" : "is no file", from);
      files.makeDirectoryOf(file);
      writeRaw(source);
      mended.add(one);
      return;
    }
    Mended one = files.putAside(file, "is damaged in " + damaged.size() + " of its chunks", from);
    try (DiskFile raw = disk.open(file, Disk.Access.WRITE)) {
      for (int number : damaged) {
        ByteBuffer bytes = source.chunk(number);
        int length = bytes.remaining();
        raw.write(bytes, (long) number * OutputSeal.CHUNK);
        boolean isLast = number == chunks - 1;
        if (cut && isLast) {
          raw.truncate((long) number * OutputSeal.CHUNK + length);
        }
      }
      raw.force();
    }
    mended.add(one);
  }

  private void writeRaw(Source source) throws IOException {
    Disk disk = files.disk();
    Path temporary = files.temporary(files.raw());
    disk.delete(temporary);
    try (DiskFile file = disk.open(temporary, Disk.Access.CREATE)) {
      for (int i = 0; i < chunks; i++) {
        file.write(source.chunk(i), (long) i * OutputSeal.CHUNK);
      }
      file.force();
    }
    disk.rename(temporary, files.raw());
    disk.forceDirectory(Disk.parent(files.raw()));
  }

  /** Writes a whole file of frames, one for each chunk, and puts it in its place in one step. */
  void framed(Path place, Source source) throws IOException {
    Disk disk = files.disk();
    Path temporary = files.temporary(place);
    files.makeDirectoryOf(place);
    disk.delete(temporary);
    try (DiskFile file = disk.open(temporary, Disk.Access.CREATE)) {
      byte[] beginning = CopyScan.beginning(files.name());
      file.write(ByteBuffer.wrap(beginning), 0);
      long position = beginning.length;
      for (int i = 0; i < chunks; i++) {
        ByteBuffer given = source.chunk(i);
        byte[] bytes = new byte[given.remaining()];
        given.get(bytes);
        long offset = (long) i * OutputSeal.CHUNK;
        // The name appears when all of it is durable.
        Frame.Encoded encoded =
            Frame.encode(position, offset, offset + bytes.length, bytes, bytes.length);
        file.write(encoded.content(), position);
        position = encoded.frame().next();
      }
      file.force();
    }
    disk.rename(temporary, place);
    disk.forceDirectory(Disk.parent(place));
  }
}
