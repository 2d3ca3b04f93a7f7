package holdfast.adapters.file.output;

import holdfast.adapters.file.checksum.Digest;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** One file of a sealed stream, open to be read a chunk at a time. One thread at a time. */
sealed interface Chunks extends AutoCloseable permits RawChunks, FramedChunks {

  /** What a chunk is known by. */
  record Sum(Digest sha256, int crc) {}

  /**
   * Reads a chunk.
   *
   * @return false if the file does not have it, or the disk refuses to read it: what cannot be read
   *     is as good as damaged, for there is another file to ask
   */
  boolean read(int number, byte[] target);

  /** What the file itself says of a chunk without being read whole, or null. */
  @Nullable Sum stated(int number);

  /** Whether the file is nothing but what it must have; its chunks may be damaged all the same. */
  boolean isWellFormed() throws IOException;

  @Override
  void close() throws IOException;

  /** Bytes of a chunk. */
  static int length(OutputSeal seal, int number) {
    return (int) Math.min(OutputSeal.CHUNK, seal.bytes() - (long) number * OutputSeal.CHUNK);
  }
}
