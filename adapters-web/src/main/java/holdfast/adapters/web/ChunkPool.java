package holdfast.adapters.web;

import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;

/**
 * The buffers between disk and sockets. Their number bounds what all sockets together have in
 * flight; each socket is entitled to a few, so that one that does not read takes no more than
 * those. Any thread.
 */
final class ChunkPool {
  static final int CHUNK_BYTES = 128 * 1024;
  private static final int CHUNKS_MAX = 1_024;
  private static final int SPARE_KEPT = 8;

  private final Semaphore available = new Semaphore(CHUNKS_MAX);
  private final ConcurrentLinkedDeque<Chunk> spare = new ConcurrentLinkedDeque<>();

  /** Takes a chunk, waiting until there is one. */
  Chunk take() throws InterruptedException {
    available.acquire();
    Chunk chunk = spare.pollFirst();
    return chunk == null ? new Chunk(CHUNK_BYTES) : chunk;
  }

  void give(Chunk chunk) {
    spare.addFirst(chunk);
    available.release();
  }

  /** Lets go of part of what nobody has used lately. Called about once a second. */
  void trim() {
    int surplus = spare.size() - SPARE_KEPT;
    for (int i = 0; i < (surplus + 7) / 8; i++) {
      spare.pollLast();
    }
  }
}
