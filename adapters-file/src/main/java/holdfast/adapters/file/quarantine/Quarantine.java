package holdfast.adapters.file.quarantine;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Keeps damaged bytes, each with a note of what was found, where, when, and what took its place.
 *
 * <p>The same bytes of the same file are kept once. The whole has a budget: what goes beyond it,
 * and what is larger than one piece may be, is kept as its SHA-256 and its first 64 KiB, and the
 * note says so. So has the number of notes: a fault that comes again and again, different each
 * time, must not fill the disk with names. Beyond it bytes are not kept, things are moved here
 * without a note of their own, and the last of both are told in one note for all, {@code
 * overflow.note}. Nothing in here is ever read by the server. Any thread.
 */
public final class Quarantine {
  private static final int HEAD_BYTES = 64 << 10;
  private static final int CHUNK = 1 << 20;

  /** A file of many gigabytes in a small one's place must not hold up a start. */
  private static final long HASHED_BYTES_MAX = 256L << 20;

  private static final int NAME_CHARS_MAX = 120;
  private static final int ENTRIES_USUAL = 10_000;
  private static final int OVERFLOW_LINES = 100;
  private static final int LINE_CHARS_MAX = 1_000;
  private static final String NOTE = ".note";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  private final Disk disk;
  private final Path directory;
  private final InstantSource clock;
  private final long budget;
  private final int entriesMax;
  private final ArrayDeque<String> overflow = new ArrayDeque<>();
  private final AtomicLong taken = new AtomicLong();
  private long overflowed;
  private long used = -1;
  private int entries;

  /**
   * @param directory exists
   * @param budget bytes that may be kept whole
   */
  public Quarantine(Disk disk, Path directory, InstantSource clock, long budget) {
    this(disk, directory, clock, budget, ENTRIES_USUAL);
  }

  /**
   * @param entriesMax pieces that may be kept, each with its note
   */
  Quarantine(Disk disk, Path directory, InstantSource clock, long budget, int entriesMax) {
    this.disk = disk;
    this.directory = directory;
    this.clock = clock;
    this.budget = budget;
    this.entriesMax = entriesMax;
  }

  /**
   * Keeps a copy of a file's bytes, durably; the file stays where it is, unless it cannot even be
   * opened: it is moved away then. What the disk refuses to read is zero in the copy.
   *
   * @param what was expected and found
   * @param source what its place is filled from, or null if nothing is
   * @return where the bytes are, or null if there is no file or too much is kept already
   */
  public synchronized @Nullable Path keep(Path file, String what, @Nullable String source)
      throws IOException {
    if (disk.kind(file) != Disk.Kind.FILE) {
      return null;
    }
    DiskFile readable;
    try {
      readable = disk.open(file, Disk.Access.READ);
    } catch (IOException e) {
      // There is nothing in it for whoever cannot read it; and its place must be free.
      return move(file, what + ", and it cannot be read: " + e, source);
    }
    try (DiskFile opened = readable) {
      long size = opened.size();
      long hashed = Math.min(size, HASHED_BYTES_MAX);
      String hash = hash(opened, hashed);
      Path target = directory.resolve(name(file) + "." + hash.substring(0, 16));
      if (disk.kind(target) == Disk.Kind.FILE) {
        return target;
      }
      if (isFull()) {
        overflow(file, what, "not kept, " + size + " bytes, SHA-256 " + hash);
        return null;
      }
      boolean whole = size == hashed && size <= budget - used();
      long kept = whole ? size : Math.min(size, HEAD_BYTES);
      copy(opened, kept, target);
      used = used() + kept;
      entries++;
      note(
          target,
          file,
          what,
          source,
          whole
              ? size + " bytes, SHA-256 " + hash
              : "the first "
                  + kept
                  + " of "
                  + size
                  + " bytes, for want of room; SHA-256 of the first "
                  + hashed
                  + ": "
                  + hash);
      return target;
    }
  }

  /**
   * Moves away what is no file, or should not be where it is: a directory, a link, a pipe. What a
   * link points at stays untouched.
   *
   * @return where it is now, or null if there is nothing
   */
  public synchronized @Nullable Path move(Path path, String what, @Nullable String source)
      throws IOException {
    if (disk.kind(path) == Disk.Kind.MISSING) {
      return null;
    }
    Path target = directory.resolve(name(path) + "." + TIME.format(clock.instant()));
    for (int i = 2; disk.kind(target) != Disk.Kind.MISSING; i++) {
      target = directory.resolve(name(path) + "." + TIME.format(clock.instant()) + "-" + i);
    }
    boolean full = isFull();
    disk.rename(path, target);
    disk.forceDirectory(directory);
    disk.forceDirectory(Disk.parent(path));
    if (full) {
      overflow(path, what, "moved to " + target);
      return target;
    }
    entries++;
    note(target, path, what, source, "moved here as it was");
    return target;
  }

  /** Things that were put aside here since the start, or had no place any more. */
  public long taken() {
    return taken.get();
  }

  private boolean isFull() throws IOException {
    used();
    return entries >= entriesMax;
  }

  /** Tells of the last things that had no room, and of how many there were since the start. */
  private void overflow(Path where, String what, String outcome) throws IOException {
    overflowed++;
    taken.incrementAndGet();
    String line = clock.instant() + " " + where + ": " + what + "; " + outcome;
    overflow.addLast(line.replace('\n', ' ').substring(0, Math.min(line.length(), LINE_CHARS_MAX)));
    if (overflow.size() > OVERFLOW_LINES) {
      overflow.removeFirst();
    }
    String text =
        entriesMax
            + " pieces are kept here, and no more are until some are removed and the server is"
            + " started again. Without a place since the last start: "
            + overflowed
            + ". The last of them:\n"
            + String.join("\n", overflow)
            + "\n";
    disk.replace(directory.resolve("overflow" + NOTE), text.getBytes(StandardCharsets.UTF_8));
  }

  private long used() throws IOException {
    if (used < 0) {
      long sum = 0;
      entries = 0;
      for (String name : disk.list(directory)) {
        Path file = directory.resolve(name);
        entries += name.endsWith(NOTE) ? 0 : 1;
        if (disk.kind(file) == Disk.Kind.FILE) {
          try (DiskFile opened = disk.open(file, Disk.Access.READ)) {
            sum += opened.size();
          }
        }
      }
      used = sum;
    }
    return used;
  }

  private void copy(DiskFile from, long bytes, Path target) throws IOException {
    Path temporary = target.resolveSibling(target.getFileName() + Disk.TEMPORARY_SUFFIX);
    disk.delete(temporary);
    try (DiskFile to = disk.open(temporary, Disk.Access.CREATE)) {
      ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(CHUNK, Math.max(1, bytes)));
      for (long at = 0; at < bytes; at += chunk.capacity()) {
        chunk.clear().limit((int) Math.min(chunk.capacity(), bytes - at));
        readOrZero(from, chunk, at);
        to.write(chunk.flip(), at);
      }
      to.force();
    }
    disk.rename(temporary, target);
    disk.forceDirectory(directory);
  }

  private static void readOrZero(DiskFile file, ByteBuffer chunk, long offset) {
    try {
      while (chunk.hasRemaining() && file.read(chunk, offset + chunk.position()) > 0) {
        // Reads go on until the chunk is full or the file ends.
      }
    } catch (IOException _) {
      // The note tells that the file was damaged; what cannot be read of it is zero.
    }
    while (chunk.hasRemaining()) {
      chunk.put((byte) 0);
    }
  }

  private static String hash(DiskFile file, long size) {
    MessageDigest digest = sha256();
    ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(CHUNK, Math.max(1, size)));
    for (long at = 0; at < size; at += chunk.capacity()) {
      chunk.clear().limit((int) Math.min(chunk.capacity(), size - at));
      readOrZero(file, chunk, at);
      digest.update(chunk.flip());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /** The last two elements of the path, of harmless characters. */
  private static String name(Path path) {
    Path parent = path.getParent();
    Path above = parent == null ? null : parent.getFileName();
    String name = (above == null ? "" : above + "-") + path.getFileName();
    String safe = name.replaceAll("[^A-Za-z0-9._-]", "_");
    return safe.length() <= NAME_CHARS_MAX ? safe : safe.substring(0, NAME_CHARS_MAX);
  }

  private void note(Path target, Path where, String what, @Nullable String source, String kept)
      throws IOException {
    taken.incrementAndGet();
    String text =
        "what: "
            + what
            + "\nwhere: "
            + where
            + "\nwhen: "
            + clock.instant()
            + "\nrebuilt from: "
            + (source == null ? "nothing" : source)
            + "\nkept: "
            + kept
            + "\n";
    disk.replace(
        target.resolveSibling(target.getFileName() + NOTE), text.getBytes(StandardCharsets.UTF_8));
  }
}
