package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl.InputResult;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Feeds the named pipe that a command reads as its standard input. Never waits for the command: a
 * write either fits into the pipe whole or is refused whole.
 */
final class InputPipe {
  private static final int F_SETPIPE_SZ = 1031;
  private static final int F_GETPIPE_SZ = 1032;

  /** What an ordinary user may have unless the administrator says otherwise. */
  private static final int CAPACITY_MAX = 1 << 20;

  /** The unit in which a pipe holds bytes; a write of at most so many is whole or not made. */
  private static final int PAGE = 4_096;

  private static final int LOCKS = 64;

  /** Writers of one run take turns; those of different runs seldom meet. */
  private final ReentrantLock[] turns = new ReentrantLock[LOCKS];

  InputPipe() {
    for (int i = 0; i < LOCKS; i++) {
      turns[i] = new ReentrantLock();
    }
  }

  InputResult write(String path, ByteBuffer bytes) {
    ReentrantLock turn = turn(path);
    turn.lock();
    try (Directory directory = Directory.openIfPresent(path)) {
      InputResult.Closed closed = closed(directory);
      if (directory == null || closed != null) {
        return closed == null ? new InputResult.Closed("the run has no input") : closed;
      }
      int pipe = directory.openFile(RunDirectory.INPUT, Kernel.O_WRONLY | Kernel.O_NONBLOCK);
      if (Errno.ENXIO.is(pipe)) {
        return new InputResult.Closed("nobody reads the input any more");
      }
      Kernel.check(pipe, "open the input of " + path);
      try {
        return write(pipe, bytes);
      } finally {
        Kernel.close(pipe);
      }
    } finally {
      turn.unlock();
    }
  }

  private ReentrantLock turn(String path) {
    return turns[Math.floorMod(path.hashCode(), LOCKS)];
  }

  private static InputResult.@Nullable Closed closed(@Nullable Directory directory) {
    if (directory == null || !directory.has(RunDirectory.INPUT)) {
      return new InputResult.Closed("the run has no input");
    }
    return directory.has(RunDirectory.INPUT_END)
        ? null
        : new InputResult.Closed("the input was ended before");
  }

  private static InputResult write(int pipe, ByteBuffer bytes) {
    var content = new byte[bytes.remaining()];
    bytes.duplicate().get(content);
    int capacity = capacity(pipe);
    if (content.length > PAGE && !fits(content.length, pipe, capacity)) {
      // May be refused to an ordinary user; what counts is the capacity that there is then.
      Kernel.call(Kernel.Call.FCNTL, pipe, F_SETPIPE_SZ, CAPACITY_MAX);
      capacity = capacity(pipe);
      if (!fits(content.length, pipe, capacity)) {
        return new InputResult.Full(capacity);
      }
    }
    long written = Kernel.writeSome(pipe, content);
    if (Errno.EAGAIN.is(written)) {
      return new InputResult.Full(capacity);
    }
    if (Errno.EPIPE.is(written)) {
      return new InputResult.Closed("nobody reads the input any more");
    }
    Kernel.check(written, "write to an input");
    if (written < content.length) {
      throw new SystemCallException(
          "write to a pipe as much as it has room for", Errno.EAGAIN.number());
    }
    bytes.position(bytes.limit());
    return new InputResult.Accepted();
  }

  private static int capacity(int pipe) {
    return (int) Kernel.check(Kernel.call(Kernel.Call.FCNTL, pipe, F_GETPIPE_SZ, 0), "size a pipe");
  }

  /**
   * Whether so many bytes surely fit. A pipe holds pages, not bytes, and a write begins a new page
   * if its odd part does not fit into the last one: two neighbours hold more than a page together,
   * and the first may have been read in part. An empty pipe holds as much as it says.
   */
  private static boolean fits(int bytes, int pipe, int capacity) {
    int held = Kernel.readable(pipe);
    int pages = capacity / PAGE;
    int pagesTaken = held == 0 ? 0 : 2 * (held / PAGE) + 2;
    return (bytes + PAGE - 1) / PAGE <= pages - pagesTaken;
  }

  InputResult end(String path) {
    ReentrantLock turn = turn(path);
    turn.lock();
    try (Directory directory = Directory.openIfPresent(path)) {
      InputResult.Closed closed = closed(directory);
      if (directory == null || closed != null) {
        return closed == null ? new InputResult.Closed("the run has no input") : closed;
      }
      if (!askForEnd(directory)) {
        return new InputResult.Closed("no monitor lives to end the input");
      }
      // Behind the request: a crash in between leaves a request that is made once more.
      directory.remove(RunDirectory.INPUT_END);
      return new InputResult.Accepted();
    } finally {
      turn.unlock();
    }
  }

  /**
   * Whether anybody heard it. Asked after the end of a run, too: where a shell's monitor was
   * killed, the process of its that holds the input open waits for nothing else.
   */
  static boolean askForEnd(Directory directory) {
    int pipe = directory.openFile(RunDirectory.INPUT_END, Kernel.O_WRONLY | Kernel.O_NONBLOCK);
    if (Errno.ENXIO.is(pipe) || Errno.ENOENT.is(pipe)) {
      return false;
    }
    Kernel.check(pipe, "open the pipe that ends the input of " + directory.path());
    try {
      long written = Kernel.writeSome(pipe, new byte[] {'\n'});
      return written == 1 || Errno.EAGAIN.is(written);
    } finally {
      Kernel.close(pipe);
    }
  }
}
