package holdfast.adapters.file;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link FileStorage} is told.
 *
 * @param dataDir the data directory; made with mode 0700 if it is missing
 * @param stateDir what tasks are; usually {@code state} in the data directory
 * @param mirrorDir where the journal's second copy goes, on another disk; null for its default
 *     place below the state directory
 * @param allowed what is done only if the operator says so
 * @param sizes how much of everything
 * @param logs how event logs are kept
 * @param clock for lock, reports and the expiry of idempotency keys
 * @param onFatal told once if the journal fails: the process must end, for only a new start can
 *     find out what is durable. Nothing is committed from then on. Called on the thread that found
 *     out
 */
public record FileStorageSettings(
    Path dataDir,
    Path stateDir,
    @Nullable Path mirrorDir,
    Allowed allowed,
    Sizes sizes,
    Logs logs,
    InstantSource clock,
    Consumer<Throwable> onFatal) {

  private static final int SEGMENT_BYTES_MIN = 64 << 10;
  private static final int SEGMENT_BYTES_MAX = 256 << 20;

  /**
   * What is done only if the operator says so.
   *
   * @param networkFs whether a network file system is accepted
   * @param rebuildMirror whether a mirror that is empty or behind is rebuilt rather than refused
   * @param copy whether a directory that was copied may go on by itself
   * @param loss whether to go on without what cannot be read any more
   */
  public record Allowed(boolean networkFs, boolean rebuildMirror, boolean copy, boolean loss) {
    public static final Allowed NOTHING = new Allowed(false, false, false, false);
  }

  /**
   * How much of everything.
   *
   * @param segmentBytes size of a journal segment; a multiple of 4,096, at least 64 KiB
   * @param queueBound commits that may wait for the disk before clients are told BUSY
   * @param diskReserve bytes that must stay free for clients to add work
   * @param snapshotsMax snapshots that are kept, at least 2
   * @param quarantineBytesMax damaged bytes that are kept whole
   */
  public record Sizes(
      int segmentBytes,
      int queueBound,
      long diskReserve,
      int snapshotsMax,
      long quarantineBytesMax) {
    public static final Sizes USUAL = new Sizes(16 << 20, 8_192, 256L << 20, 24, 1L << 30);

    public Sizes {
      if (segmentBytes % 4_096 != 0
          || segmentBytes < SEGMENT_BYTES_MIN
          || segmentBytes > SEGMENT_BYTES_MAX) {
        throw new IllegalArgumentException(
            "segment of "
                + segmentBytes
                + " bytes; needs a multiple of 4096 from 64 KiB to 256 MiB");
      }
      if (queueBound < 1 || diskReserve < 0 || snapshotsMax < 2 || quarantineBytesMax < 0) {
        throw new IllegalArgumentException("bounds must be positive");
      }
    }

    public Sizes withSegmentBytes(int bytes) {
      return new Sizes(bytes, queueBound, diskReserve, snapshotsMax, quarantineBytesMax);
    }

    public Sizes withDiskReserve(long bytes) {
      return new Sizes(segmentBytes, queueBound, bytes, snapshotsMax, quarantineBytesMax);
    }
  }

  /**
   * How event logs are kept.
   *
   * @param bytesMax size at which a file is rotated
   * @param filesMax files kept of each category, the one being written included
   * @param ageMax how long a file is kept after its last line
   * @param budgetBytes of all files of all categories together; files are rotated before {@code
   *     bytesMax} if that would not leave room for older ones
   * @param flushInterval longest time that a line waits in memory
   */
  public record Logs(
      long bytesMax, int filesMax, Duration ageMax, long budgetBytes, Duration flushInterval) {
    public static final Logs USUAL =
        new Logs(10L << 20, 20, Duration.ofDays(30), 512L << 20, Duration.ofSeconds(1));

    public Logs {
      if (bytesMax < 1 || filesMax < 1 || budgetBytes < 1) {
        throw new IllegalArgumentException("bounds must be positive");
      }
    }
  }

  /** The usual settings for a data directory. */
  public static FileStorageSettings of(
      Path dataDir, InstantSource clock, Consumer<Throwable> onFatal) {
    return new FileStorageSettings(
        dataDir,
        dataDir.resolve("state"),
        null,
        Allowed.NOTHING,
        Sizes.USUAL,
        Logs.USUAL,
        clock,
        onFatal);
  }

  public FileStorageSettings with(Allowed rules) {
    return new FileStorageSettings(
        dataDir, stateDir, mirrorDir, rules, sizes, logs, clock, onFatal);
  }

  public FileStorageSettings with(Sizes bounds) {
    return new FileStorageSettings(
        dataDir, stateDir, mirrorDir, allowed, bounds, logs, clock, onFatal);
  }

  public FileStorageSettings withMirrorDir(@Nullable Path directory) {
    return new FileStorageSettings(
        dataDir, stateDir, directory, allowed, sizes, logs, clock, onFatal);
  }
}
