package holdfast.application;

import holdfast.domain.port.CommitMeter;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** How long it took to make changes durable in the last minute. Any thread. */
final class CommitTimes implements CommitMeter {
  private static final int SECONDS = 60;

  private final LongSupplier nanoTime;
  private final long[] second = new long[SECONDS];
  private final long[] count = new long[SECONDS];
  private final long[] sum = new long[SECONDS];
  private final long[] most = new long[SECONDS];

  /** Of a minute; all 0 if nothing was made durable in it. */
  record Minute(long syncs, long meanNanos, long mostNanos) {}

  /**
   * @param nanoTime as {@link System#nanoTime}
   */
  CommitTimes(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  private long now() {
    return TimeUnit.NANOSECONDS.toSeconds(nanoTime.getAsLong());
  }

  @Override
  public synchronized void committed(int changes, long nanos) {
    long now = now();
    int slot = Math.floorMod(now, SECONDS);
    if (second[slot] != now) {
      second[slot] = now;
      count[slot] = 0;
      sum[slot] = 0;
      most[slot] = 0;
    }
    count[slot]++;
    sum[slot] += nanos;
    most[slot] = Math.max(most[slot], nanos);
  }

  synchronized Minute lastMinute() {
    long now = now();
    long syncs = 0;
    long nanos = 0;
    long longest = 0;
    for (int slot = 0; slot < SECONDS; slot++) {
      if (count[slot] > 0 && now - second[slot] < SECONDS) {
        syncs += count[slot];
        nanos += sum[slot];
        longest = Math.max(longest, most[slot]);
      }
    }
    return new Minute(syncs, syncs == 0 ? 0 : nanos / syncs, longest);
  }
}
