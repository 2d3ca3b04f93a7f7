package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.FileLock;
import holdfast.adapters.file.disk.LockHeldException;
import holdfast.adapters.file.disk.NioDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps other servers out of a directory, and remembers starts that did not succeed. Any thread.
 *
 * <pre>
 *  pid 4711 on host, started 2026-11-24T12:00:00Z
 *  unfinished start 2026-11-24T12:00:00Z          one for each start that has not succeeded yet
 * </pre>
 */
final class DirectoryLock implements AutoCloseable {
  static final int FAILED_STARTS_MAX = 3;
  static final Duration FAILED_STARTS_WITHIN = Duration.ofMinutes(10);
  private static final String UNFINISHED = "unfinished start ";
  private static final Pattern HOLDER = Pattern.compile("pid (\\d{1,18}) on ");
  private static final int ATTEMPTS_MAX = 50;
  private static final long ATTEMPT_NANOS = 20_000_000;

  private final Path file;
  private final String holder;
  private final InstantSource clock;
  private final List<Instant> unfinished;
  private FileLock lock;
  private boolean closed;

  private DirectoryLock(Path file, String holder, InstantSource clock, FileLock lock) {
    this.file = file;
    this.holder = holder;
    this.clock = clock;
    this.lock = lock;
    unfinished = unfinished(lock.content(), clock.instant());
  }

  /**
   * Takes the lock and writes who holds it.
   *
   * @param holder one line
   * @throws holdfast.adapters.file.disk.LockHeldException with the holder's line if it is taken
   */
  static DirectoryLock take(Path file, String holder, InstantSource clock) throws IOException {
    FileLock taken = acquire(file);
    var lock = new DirectoryLock(file, holder, clock, taken);
    try {
      lock.write();
      return lock;
    } catch (IOException e) {
      taken.close();
      throw e;
    }
  }

  /**
   * Between taking the lock and writing its line, a holder is named by its predecessor's: as long
   * as that names nobody who lives here, there may soon be another line, or no holder at all.
   */
  private static FileLock acquire(Path file) throws IOException {
    for (int attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        return FileLock.acquire(file);
      } catch (LockHeldException e) {
        if (namesTheLiving(String.valueOf(e.getMessage()))) {
          throw e;
        }
        LockSupport.parkNanos(ATTEMPT_NANOS);
      }
    }
    return FileLock.acquire(file);
  }

  private static boolean namesTheLiving(String holder) throws IOException {
    Matcher pid = HOLDER.matcher(holder);
    return pid.lookingAt()
        && new NioDisk().kind(Path.of("/proc", pid.group(1))) == Disk.Kind.DIRECTORY;
  }

  private static List<Instant> unfinished(String content, Instant now) {
    var starts = new ArrayList<Instant>();
    for (String line : content.lines().toList()) {
      if (line.startsWith(UNFINISHED)) {
        try {
          Instant start = Instant.parse(line.substring(UNFINISHED.length()));
          if (Duration.between(start, now).abs().compareTo(FAILED_STARTS_WITHIN) < 0) {
            starts.add(start);
          }
        } catch (DateTimeParseException _) {
          // A line that somebody wrote by hand says nothing.
        }
      }
    }
    return starts;
  }

  /**
   * Notes that a start begins.
   *
   * @throws RepeatedFailureException if as many as {@value #FAILED_STARTS_MAX} began shortly before
   *     and did not succeed
   */
  synchronized void startBegins() throws IOException {
    if (unfinished.size() >= FAILED_STARTS_MAX) {
      throw new RepeatedFailureException(
          notRecovered(file, unfinished.size())
              + ". The reason is in what those starts printed. Stop this server, remove the cause,"
              + " and start again");
    }
    unfinished.add(clock.instant());
    write();
  }

  /**
   * Why a start would not even be tried, or null.
   *
   * @param content of the lock's file
   */
  static @Nullable String heldBack(Path file, String content, Instant now) {
    int failed = unfinished(content, now).size();
    return failed < FAILED_STARTS_MAX ? null : notRecovered(file, failed);
  }

  private static String notRecovered(Path file, int starts) {
    return file.getParent()
        + " could not be recovered in "
        + starts
        + " starts within "
        + FAILED_STARTS_WITHIN.toMinutes()
        + " minutes: nothing more is tried, so that restarts do no harm";
  }

  /** Notes that the start succeeded, or that somebody has taken notice that it did not. */
  synchronized void settled() throws IOException {
    unfinished.clear();
    write();
  }

  /**
   * Looks whether the lock is still where others look for it, and takes it again if somebody has
   * removed the file.
   *
   * @throws holdfast.adapters.file.disk.LockHeldException if another server was faster
   */
  synchronized boolean keep() throws IOException {
    if (closed || lock.isInPlace()) {
      return true;
    }
    FileLock again = FileLock.acquire(file);
    lock.close();
    lock = again;
    write();
    return false;
  }

  private void write() throws IOException {
    var text = new StringBuilder(holder).append('\n');
    unfinished.forEach(start -> text.append(UNFINISHED).append(start).append('\n'));
    lock.write(text.toString());
  }

  @Override
  public synchronized void close() {
    closed = true;
    lock.close();
  }
}
