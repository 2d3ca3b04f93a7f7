package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.EventLog;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Event logs as JSON Lines: {@code <category>/<category>.jsonl}, one object a line with {@code
 * time}, {@code type} and {@code category} first. Lines wait in memory for at most the flush
 * interval, errors not at all. When the queue is full lines are dropped and counted, and the count
 * is the next line of their category: type {@code gap}.
 *
 * <p>A full file is rotated and then compressed, beside the writing; see {@link RotatedFiles}.
 */
public final class FileEventLog implements EventLog {
  private static final int QUEUE_MAX = 10_000;

  /** Names of a line's own members; details of the same name are written as {@code data.<name>}. */
  private static final Set<String> RESERVED = Set.of("time", "type", "category");

  private final Map<Category, LogFile> files = new EnumMap<>(Category.class);
  private final Map<Category, Long> dropped = new EnumMap<>(Category.class);
  private final ArrayDeque<Entry> queue = new ArrayDeque<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Bounds bounds;
  private final InstantSource clock;
  private final LogCompression compression = new LogCompression(this::notCompressed);
  private final Thread writer;
  private long appended;
  private long written;
  private boolean urgent;
  private boolean closed;

  /**
   * How much is kept.
   *
   * @param fileBytesMax size at which a file is rotated
   * @param filesMax files of each category, the one being written included
   */
  public record Bounds(long fileBytesMax, int filesMax, Duration flushInterval) {}

  public FileEventLog(Disk disk, Path directory, Bounds bounds, InstantSource clock)
      throws IOException {
    this.bounds = bounds;
    this.clock = clock;
    for (Category category : Category.values()) {
      Path folder = directory.resolve(name(category));
      Layout.create(disk, folder);
      var older = new RotatedFiles(disk, folder, name(category), bounds.filesMax());
      Path file = folder.resolve(name(category) + ".jsonl");
      files.put(category, new LogFile(disk, file, bounds.fileBytesMax(), older, compression::want));
    }
    writer = Thread.ofPlatform().daemon().name("holdfast-event-log").start(this::write);
  }

  private static String name(Category category) {
    return switch (category) {
      case WEBSOCKET -> "websocket";
      case TASK -> "task";
      case INITIATIVE -> "initiative";
      case SYSTEM -> "system";
      case ERROR -> "error";
      case AUDIT -> "audit";
    };
  }

  @Override
  public void append(Entry entry) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      if (queue.size() >= QUEUE_MAX) {
        dropped.merge(entry.category(), 1L, Long::sum);
        return;
      }
      queue.add(entry);
      appended++;
      if (entry.category() == Category.ERROR || queue.size() == QUEUE_MAX / 2) {
        urgent = true;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void flush() {
    lock.lock();
    try {
      long goal = appended;
      urgent = true;
      changed.signalAll();
      while (written < goal && writer.isAlive()) {
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void notCompressed(Exception failure) {
    append(
        new Entry(
            clock.instant(),
            Category.ERROR,
            "log-not-compressed",
            Map.of("error", String.valueOf(failure.getMessage()))));
  }

  private void write() {
    files.values().forEach(LogFile::prepare);
    boolean last = false;
    while (!last) {
      List<Entry> entries;
      Map<Category, Long> gaps;
      lock.lock();
      try {
        awaitFlush();
        entries = new ArrayList<>(queue);
        gaps = Map.copyOf(dropped);
        queue.clear();
        dropped.clear();
        urgent = false;
        last = closed;
      } finally {
        lock.unlock();
      }
      write(entries, gaps);
      lock.lock();
      try {
        written += entries.size();
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
    files.values().forEach(LogFile::close);
  }

  private void awaitFlush() {
    long nanos = bounds.flushInterval().toNanos();
    try {
      while (!urgent && !closed && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException _) {
      // Nobody interrupts this thread in order; flushing early is the harmless answer to a stray.
      urgent = true;
    }
  }

  private void write(List<Entry> entries, Map<Category, Long> gaps) {
    for (Entry entry : entries) {
      file(entry.category()).add(line(entry));
    }
    gaps.forEach(
        (category, count) ->
            file(category)
                .add(line(new Entry(clock.instant(), category, "gap", Map.of("lost", count)))));
    for (Map.Entry<Category, LogFile> file : files.entrySet()) {
      long lost = file.getValue().write();
      if (lost > 0) {
        drop(file.getKey(), lost);
      }
    }
  }

  private void drop(Category category, long count) {
    lock.lock();
    try {
      dropped.merge(category, count, Long::sum);
    } finally {
      lock.unlock();
    }
  }

  private LogFile file(Category category) {
    LogFile file = files.get(category);
    if (file == null) {
      throw new AssertionError("every category has a file");
    }
    return file;
  }

  private static byte[] line(Entry entry) {
    var json = new JsonWriter(256);
    json.beginObject().field("time", entry.at()).field("type", entry.type());
    json.field("category", name(entry.category()));
    entry
        .data()
        .forEach(
            (key, value) -> {
              String name = RESERVED.contains(key) ? "data." + key : key;
              switch (value) {
                case Boolean flag -> json.field(name, flag.booleanValue());
                case Byte number -> json.field(name, number.longValue());
                case Short number -> json.field(name, number.longValue());
                case Integer number -> json.field(name, number.longValue());
                case Long number -> json.field(name, number.longValue());
                default -> json.field(name, value.toString());
              }
            });
    return json.endObject().newline().toByteArray();
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    while (writer.isAlive()) {
      try {
        writer.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    compression.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
