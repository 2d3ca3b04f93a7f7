package holdfast.adapters.file.output;

import holdfast.domain.port.OutputStorage.Reader;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a sealed stream: each chunk is checked before any of it is given, and mended first if it is
 * damaged. Where it cannot be mended, it is read from the copy all the same. What is packed is
 * unpacked a chunk at a time.
 */
final class SealedReader implements Reader {
  private final OutputFiles files;
  private final OutputSeal seal;
  private final Mender mender;
  private @Nullable SealedOutput output;
  private @Nullable ByteBuffer inMemory;
  private int checked = -1;
  private boolean closed;

  /** Puts the first file right in which damage was found; or leaves that to others. */
  @FunctionalInterface
  interface Mender {
    void mend() throws IOException;
  }

  SealedReader(OutputFiles files, OutputSeal seal, Mender mender) {
    this.files = files;
    this.seal = seal;
    this.mender = mender;
  }

  private SealedOutput open() throws IOException {
    if (closed) {
      throw new IllegalStateException("the reader of " + files.raw() + " is closed");
    }
    SealedOutput present = output;
    if (present == null) {
      present = new SealedOutput(files, seal);
      output = present;
    }
    return present;
  }

  @Override
  public long length() {
    try {
      return Math.max(seal.bytes(), open().rawLength());
    } catch (IOException e) {
      throw new StorageException("the size of " + files.raw() + " cannot be read", e);
    }
  }

  @Override
  public int read(long offset, ByteBuffer target) {
    try {
      return offset < seal.bytes() ? readSealed(offset, target) : readLate(offset, target);
    } catch (IOException e) {
      throw new StorageException(
          files.raw() + " cannot be read at offset " + offset + ": " + e.getMessage(), e);
    }
  }

  private int readLate(long offset, ByteBuffer target) throws IOException {
    RawChunks raw = open().raw();
    return raw == null ? 0 : Math.max(0, raw.file().read(target, offset));
  }

  private int readSealed(long offset, ByteBuffer target) throws IOException {
    int number = (int) (offset / OutputSeal.CHUNK);
    if (number != checked) {
      check(number);
    }
    long begin = (long) number * OutputSeal.CHUNK;
    long end = Math.min(begin + OutputSeal.CHUNK, seal.bytes());
    int bytes = (int) Math.min(target.remaining(), end - offset);
    ByteBuffer copied = inMemory;
    if (copied != null) {
      target.put(copied.slice((int) (offset - begin), bytes));
      return bytes;
    }
    int limit = target.limit();
    target.limit(target.position() + bytes);
    try {
      return readLate(offset, target);
    } finally {
      target.limit(limit);
    }
  }

  private void check(int number) throws IOException {
    inMemory = null;
    checked = -1;
    if (!open().isReadableInPlace(number)) {
      inMemory = open().isPacked() ? unpacked(number) : mended(number);
    }
    checked = number;
  }

  private @Nullable ByteBuffer unpacked(int number) throws IOException {
    ByteBuffer sound = open().unpacked(number);
    return sound == null ? mended(number) : sound;
  }

  /** Returns null if the chunk can be read from the raw file now. */
  private @Nullable ByteBuffer mended(int number) throws IOException {
    IOException failure = null;
    try {
      mender.mend();
    } catch (IOException e) {
      failure = e;
    }
    // What stood under the name may be another file now.
    reopen();
    if (open().isReadableInPlace(number)) {
      return null;
    }
    ByteBuffer sound = open().chunk(number);
    if (sound == null) {
      throw new DamagedOutputException(
          "its chunk "
              + number
              + " is damaged there and in "
              + files.copy()
              + (failure == null ? "" : "; " + failure)
              + ". Put either back from a backup");
    }
    return sound;
  }

  private void reopen() throws IOException {
    SealedOutput present = output;
    output = null;
    if (present != null) {
      present.close();
    }
  }

  @Override
  public void close() {
    closed = true;
    try {
      reopen();
    } catch (IOException e) {
      throw new StorageException(files.raw() + " could not be closed", e);
    }
  }
}
