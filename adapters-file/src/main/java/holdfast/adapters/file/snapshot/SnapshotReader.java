package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.MalformedJsonException;
import holdfast.adapters.file.json.Recurring;
import holdfast.adapters.file.json.StoredJson;
import holdfast.adapters.file.json.StoredJson.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a snapshot from beginning to end: every checksum, every count. Entries are parsed on all
 * processors, and handed over in order on the caller's thread, before it is known whether the rest
 * of the file is sound.
 */
public final class SnapshotReader {
  private static final int BLOCKS_AHEAD = 2;

  private SnapshotReader() {}

  /** What a whole snapshot says of itself. */
  public record Content(SnapshotHeader header, SnapshotFooter footer, long fileBytes) {}

  /**
   * Reads {@code file}.
   *
   * @param name that the snapshot must bear
   * @param sink takes the entries, or null to check the file only
   * @throws DamagedSnapshotException if it is not whole
   * @throws UnknownSnapshotFormatException if a newer version wrote it
   */
  public static Content read(
      Disk disk, Path file, SnapshotName name, @Nullable Consumer<Entry> sink) throws IOException {
    if (disk.kind(file) != Disk.Kind.FILE) {
      throw new DamagedSnapshotException("it is missing, or no file");
    }
    try (DiskFile opened = disk.open(file, Disk.Access.READ)) {
      return read(opened, name, sink);
    } catch (MalformedJsonException | IllegalArgumentException e) {
      throw new DamagedSnapshotException("a line is malformed: " + e.getMessage());
    } catch (DamagedSnapshotException e) {
      throw e;
    } catch (IOException e) {
      throw new DamagedSnapshotException("it cannot be read: " + e);
    }
  }

  /** What a snapshot says of itself, without what stands between its first line and its last. */
  public static Content summary(Disk disk, Path file, SnapshotName name)
      throws DamagedSnapshotException {
    try (DiskFile opened = disk.open(file, Disk.Access.READ)) {
      long fileBytes = opened.size();
      byte[] first = Block.read(opened, 0, fileBytes).lines();
      SnapshotHeader header = SnapshotHeader.read(new JsonReader(first, 0, first.length - 1), name);
      long at = 0;
      long next = Block.end(opened, 0, fileBytes);
      while (next < fileBytes) {
        at = next;
        next = Block.end(opened, at, fileBytes);
      }
      byte[] last = Block.read(opened, at, fileBytes).lines();
      SnapshotFooter footer = SnapshotFooter.read(new JsonReader(last, 0, last.length - 1));
      return new Content(header, footer, fileBytes);
    } catch (MalformedJsonException | IllegalArgumentException e) {
      throw new DamagedSnapshotException("a line is malformed: " + e.getMessage());
    } catch (DamagedSnapshotException e) {
      throw e;
    } catch (IOException e) {
      throw new DamagedSnapshotException("it cannot be read: " + e);
    }
  }

  private static Content read(DiskFile file, SnapshotName name, @Nullable Consumer<Entry> sink)
      throws IOException {
    long fileBytes = file.size();
    Block.Read block = Block.read(file, 0, fileBytes);
    byte[] first = block.lines();
    MessageDigest digest = sha256();
    digest.update(first);
    SnapshotHeader header = SnapshotHeader.read(new JsonReader(first, 0, first.length), name);
    long bytes = first.length;
    try (var parsing = new Parsing(sink)) {
      block = Block.read(file, block.end(), fileBytes);
      while (block.end() < fileBytes) {
        byte[] lines = block.lines();
        digest.update(lines);
        bytes += lines.length;
        parsing.add(lines);
        block = Block.read(file, block.end(), fileBytes);
      }
      byte[] last = block.lines();
      SnapshotFooter footer = SnapshotFooter.read(new JsonReader(last, 0, last.length));
      parsing.finish();
      String sha256 = HexFormat.of().formatHex(digest.digest());
      if (footer.bytes() != bytes || !footer.sha256().equals(sha256)) {
        throw new DamagedSnapshotException(
            "its last line tells of other lines: SHA-256 "
                + footer.sha256()
                + " expected, "
                + sha256
                + " found");
      }
      if (sink != null && !parsing.counts(footer)) {
        throw new DamagedSnapshotException("it holds other numbers of entries than it says");
      }
      return new Content(header, footer, fileBytes);
    }
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /** Parses blocks on other threads, and hands over what they hold in order. */
  private static final class Parsing implements AutoCloseable {
    private final int workers = Runtime.getRuntime().availableProcessors();
    private final @Nullable Consumer<Entry> sink;
    private final @Nullable ExecutorService executor;
    private final BlockingQueue<Recurring> recurring = new ArrayBlockingQueue<>(workers);
    private final Deque<Future<List<Entry>>> ahead = new ArrayDeque<>();
    private int tasks;
    private int initiatives;
    private int tombstones;
    private int keys;

    Parsing(@Nullable Consumer<Entry> sink) {
      this.sink = sink;
      executor = sink == null ? null : Executors.newFixedThreadPool(workers);
      for (int i = 0; i < workers; i++) {
        recurring.add(new Recurring());
      }
    }

    void add(byte[] lines) throws IOException {
      ExecutorService running = executor;
      if (running == null) {
        return;
      }
      ahead.add(running.submit(() -> parse(lines)));
      while (ahead.size() > workers + BLOCKS_AHEAD) {
        deliver(ahead.remove());
      }
    }

    private List<Entry> parse(byte[] lines) throws InterruptedException {
      Recurring own = recurring.take();
      try {
        var entries = new ArrayList<Entry>();
        int from = 0;
        while (from < lines.length) {
          int to = from;
          while (lines[to] != '\n') {
            to++;
          }
          var json = new JsonReader(lines, from, to - from, own);
          entries.add(StoredJson.read(json));
          json.end();
          from = to + 1;
        }
        return entries;
      } finally {
        recurring.add(own);
      }
    }

    void finish() throws IOException {
      while (!ahead.isEmpty()) {
        deliver(ahead.remove());
      }
    }

    private void deliver(Future<List<Entry>> parsed) throws IOException {
      Consumer<Entry> target = sink;
      try {
        for (Entry entry : parsed.get()) {
          count(entry);
          if (target != null) {
            target.accept(entry);
          }
        }
      } catch (ExecutionException e) {
        if (e.getCause() instanceof Error error) {
          throw error;
        }
        throw new DamagedSnapshotException("a line is malformed: " + e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while a snapshot was read", e);
      }
    }

    private void count(Entry entry) {
      switch (entry) {
        case Entry.OfTask _ -> tasks++;
        case Entry.OfInitiative _ -> initiatives++;
        case Entry.Gone _ -> tombstones++;
        case Entry.Key _ -> keys++;
      }
    }

    boolean counts(SnapshotFooter footer) {
      return Arrays.equals(
          new int[] {tasks, initiatives, tombstones, keys},
          new int[] {footer.tasks(), footer.initiatives(), footer.tombstones(), footer.keys()});
    }

    @Override
    public void close() {
      if (executor != null) {
        executor.shutdownNow();
      }
    }
  }
}
