package holdfast.adapters.file.log;

import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Compresses rotated files beside the writing of new ones, on a thread that exists only while there
 * is something to do. Any thread.
 */
final class LogCompression implements AutoCloseable {
  private final Consumer<Exception> failed;
  private final LinkedHashSet<RotatedFiles> wanted = new LinkedHashSet<>();
  private @Nullable Thread worker;
  private volatile boolean closed;

  /**
   * @param failed told of files that stay as they are until the next rotation or start
   */
  LogCompression(Consumer<Exception> failed) {
    this.failed = failed;
  }

  /** Asks for whatever is plain of {@code files} to be compressed. Returns at once. */
  synchronized void want(RotatedFiles files) {
    if (closed) {
      return;
    }
    wanted.add(files);
    if (worker == null) {
      worker = Thread.ofPlatform().daemon().name("holdfast-log-compression").start(this::run);
    }
  }

  private synchronized @Nullable RotatedFiles next() {
    if (closed || wanted.isEmpty()) {
      worker = null;
      return null;
    }
    return wanted.removeFirst();
  }

  private void run() {
    for (RotatedFiles files = next(); files != null; files = next()) {
      try {
        files.compress(() -> closed);
      } catch (IOException | RuntimeException e) {
        // Nothing is lost by it: the file is larger than it need be.
        failed.accept(e);
      }
    }
  }

  /** Gives up what is not finished; it is begun anew by the next start. Idempotent. */
  @Override
  public void close() {
    Thread running;
    synchronized (this) {
      closed = true;
      running = worker;
    }
    boolean interrupted = false;
    while (running != null && running.isAlive()) {
      try {
        running.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
