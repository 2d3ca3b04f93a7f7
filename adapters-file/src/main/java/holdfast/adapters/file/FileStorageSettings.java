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
 * @param rebuildMirror whether a mirror that is empty or behind is rebuilt rather than refused
 * @param segmentBytes size of a journal segment; a multiple of 4,096, at least 64 KiB
 * @param queueBound commits that may wait for the disk before clients are told BUSY
 * @param diskReserve bytes that must stay free for clients to add work
 * @param logBytesMax size at which an event log file is rotated
 * @param logFilesMax files kept of each category, the one being written included
 * @param logFlushInterval longest time that a line waits in memory
 * @param allowNetworkFs whether a network file system is accepted
 * @param clock for lock, reports and the expiry of idempotency keys
 * @param onFatal told once if the journal fails: the process must end, for only a new start can
 *     find out what is durable. Called on the journal's thread
 */
public record FileStorageSettings(
    Path dataDir,
    Path stateDir,
    @Nullable Path mirrorDir,
    boolean rebuildMirror,
    int segmentBytes,
    int queueBound,
    long diskReserve,
    long logBytesMax,
    int logFilesMax,
    Duration logFlushInterval,
    boolean allowNetworkFs,
    InstantSource clock,
    Consumer<Throwable> onFatal) {

  private static final int SEGMENT_BYTES_MIN = 64 << 10;
  private static final int SEGMENT_BYTES_MAX = 256 << 20;

  public FileStorageSettings {
    if (segmentBytes % 4_096 != 0
        || segmentBytes < SEGMENT_BYTES_MIN
        || segmentBytes > SEGMENT_BYTES_MAX) {
      throw new IllegalArgumentException(
          "segment of " + segmentBytes + " bytes; needs a multiple of 4096 from 64 KiB to 256 MiB");
    }
    if (queueBound < 1 || diskReserve < 0 || logBytesMax < 1 || logFilesMax < 1) {
      throw new IllegalArgumentException("bounds must be positive");
    }
  }

  /** The usual settings for a data directory. */
  public static FileStorageSettings of(
      Path dataDir, InstantSource clock, Consumer<Throwable> onFatal) {
    return new FileStorageSettings(
        dataDir,
        dataDir.resolve("state"),
        null,
        false,
        16 << 20,
        8_192,
        256L << 20,
        100L << 20,
        5,
        Duration.ofSeconds(1),
        false,
        clock,
        onFatal);
  }

  public FileStorageSettings withStateDir(Path directory) {
    return copy(directory, mirrorDir, rebuildMirror, segmentBytes, queueBound, diskReserve);
  }

  public FileStorageSettings withMirrorDir(@Nullable Path directory, boolean rebuild) {
    return copy(stateDir, directory, rebuild, segmentBytes, queueBound, diskReserve);
  }

  public FileStorageSettings withSegmentBytes(int bytes) {
    return copy(stateDir, mirrorDir, rebuildMirror, bytes, queueBound, diskReserve);
  }

  public FileStorageSettings withQueueBound(int commits) {
    return copy(stateDir, mirrorDir, rebuildMirror, segmentBytes, commits, diskReserve);
  }

  public FileStorageSettings withDiskReserve(long bytes) {
    return copy(stateDir, mirrorDir, rebuildMirror, segmentBytes, queueBound, bytes);
  }

  private FileStorageSettings copy(
      Path stateDir,
      @Nullable Path mirrorDir,
      boolean rebuildMirror,
      int segmentBytes,
      int queueBound,
      long diskReserve) {
    return new FileStorageSettings(
        dataDir,
        stateDir,
        mirrorDir,
        rebuildMirror,
        segmentBytes,
        queueBound,
        diskReserve,
        logBytesMax,
        logFilesMax,
        logFlushInterval,
        allowNetworkFs,
        clock,
        onFatal);
  }
}
