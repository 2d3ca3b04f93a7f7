package holdfast.domain.port;

import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Outputs for tests, which play the part of the commands with {@link #write}. */
public final class InMemoryOutputStorage implements OutputStorage {
  private record Key(RunRef run, OutputStreamName stream) {}

  private final Map<Key, ByteArrayOutputStream> streams = new HashMap<>();

  /** Appends to a stream, as a command would. */
  public synchronized void write(RunRef run, OutputStreamName stream, byte[] bytes) {
    streams
        .computeIfAbsent(new Key(run, stream), _ -> new ByteArrayOutputStream())
        .writeBytes(bytes);
  }

  private synchronized byte[] bytes(Key key) {
    ByteArrayOutputStream stream = streams.get(key);
    return stream == null ? new byte[0] : stream.toByteArray();
  }

  @Override
  public Reader open(RunRef run, OutputStreamName stream) {
    var key = new Key(run, stream);
    return new Reader() {
      @Override
      public long length() {
        return bytes(key).length;
      }

      @Override
      public int read(long offset, ByteBuffer target) {
        byte[] all = bytes(key);
        int count = Math.clamp(all.length - offset, 0, target.remaining());
        if (count > 0) {
          target.put(all, (int) offset, count);
        }
        return count;
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public synchronized void purge(TaskId task) {
    streams.keySet().removeIf(key -> key.run().task().equals(task));
  }
}
