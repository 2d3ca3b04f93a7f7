package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl.InputResult;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Feeds the named pipe that a command reads as its standard input. Never waits for the command: a
 * write either fits into the pipe whole or is refused whole.
 */
final class InputPipe {
  private static final int F_SETPIPE_SZ = 1031;
  private static final int F_GETPIPE_SZ = 1032;
  private static final int CAPACITY_WANTED = 1 << 20;

  /** A write of at most this size is made whole or not at all by the kernel itself. */
  private static final int PIPE_BUF = 4_096;

  private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
  private static final int LOOKS_MAX = 200;

  private final ReentrantLock oneAtATime = new ReentrantLock();

  InputResult write(String path, ByteBuffer bytes) {
    try (Directory directory = Directory.openIfPresent(path)) {
      if (directory == null || !directory.has(RunDirectory.INPUT)) {
        return new InputResult.Closed("the run has no input");
      }
      if (directory.has(RunDirectory.INPUT_ENDED)) {
        return new InputResult.Closed("the input was ended before");
      }
      int pipe = directory.openFile(RunDirectory.INPUT, Kernel.O_WRONLY | Kernel.O_NONBLOCK);
      if (pipe < 0) {
        return new InputResult.Closed("nobody reads the input any more");
      }
      oneAtATime.lock();
      try {
        return write(pipe, bytes);
      } finally {
        oneAtATime.unlock();
        Kernel.close(pipe);
      }
    }
  }

  private static InputResult write(int pipe, ByteBuffer bytes) {
    // May be refused to an ordinary user; what counts is the capacity that there is then.
    Kernel.call(Kernel.Call.FCNTL, pipe, F_SETPIPE_SZ, CAPACITY_WANTED);
    int capacity =
        (int) Kernel.check(Kernel.call(Kernel.Call.FCNTL, pipe, F_GETPIPE_SZ, 0), "size a pipe");
    var content = new byte[bytes.remaining()];
    bytes.duplicate().get(content);
    if (content.length > PIPE_BUF && (content.length > capacity || !drained(pipe))) {
      return new InputResult.Full(capacity);
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
          "write to an empty pipe as much as it holds", Errno.EAGAIN.number());
    }
    bytes.position(bytes.limit());
    return new InputResult.Accepted();
  }

  /** How much fits beside what is there depends on how it was written; an empty pipe holds all. */
  private static boolean drained(int pipe) {
    for (int look = 0; look < LOOKS_MAX; look++) {
      if (Kernel.readable(pipe) == 0) {
        return true;
      }
      LockSupport.parkNanos(LOOK_AGAIN_NANOS);
    }
    return false;
  }

  InputResult end(String path) {
    try (Directory directory = Directory.openIfPresent(path)) {
      if (directory == null || !directory.has(RunDirectory.INPUT_END)) {
        return new InputResult.Closed("the run has no input");
      }
      if (directory.has(RunDirectory.INPUT_ENDED)) {
        return new InputResult.Closed("the input was ended before");
      }
      int pipe = directory.openFile(RunDirectory.INPUT_END, Kernel.O_WRONLY | Kernel.O_NONBLOCK);
      if (pipe < 0) {
        return new InputResult.Closed("no monitor lives to end the input");
      }
      try {
        directory.create(RunDirectory.INPUT_ENDED, new byte[0]);
        Kernel.check(Kernel.writeSome(pipe, new byte[] {'\n'}), "ask for the end of an input");
        return new InputResult.Accepted();
      } finally {
        Kernel.close(pipe);
      }
    }
  }
}
