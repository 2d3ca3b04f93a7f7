package holdfast.application;

import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Swept;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Reads everything again that is kept more than once, at a bounded rate, and mends what has become
 * damaged. The first round begins with the server: a start does not wait for it.
 */
public final class Scrub {
  private static final Duration ROUND_EVERY = Duration.ofMinutes(10);
  private static final long BYTES_PER_SECOND = 16L << 20;
  private static final int FILES_PER_SECOND = 2_000;
  private static final int GROUP = 128;
  private static final int MENDED_KEPT = 100;

  private final Core core;
  private final SyncService sync;
  private final Background thread = new Background("holdfast-scrub");
  private final Deque<Mended> mended = new ArrayDeque<>();
  private volatile Progress progress = new Progress(0, null, null, 0, 0, 0);
  private volatile @Nullable String trouble;

  /**
   * How far it is.
   *
   * @param round its number, from 1
   * @param startedAt when the round began
   * @param completedAt when the last whole round ended, or null
   * @param pieces that were read in this round
   * @param mended things that were damaged and are whole again, since the start; state files that
   *     were not as they had been written among them
   * @param unmendable things that were damaged in every copy, since the start
   */
  public record Progress(
      int round,
      @Nullable Instant startedAt,
      @Nullable Instant completedAt,
      long pieces,
      long mended,
      long unmendable) {}

  Scrub(Core core, SyncService sync) {
    this.core = core;
    this.sync = sync;
  }

  void start() {
    thread.every(Duration.ofMillis(1), ROUND_EVERY, () -> round(true));
  }

  /** Runs a whole round at once, as fast as it can. */
  public Progress round() {
    round(false);
    return progress;
  }

  /** What was mended last, oldest first. */
  public List<Mended> mended() {
    synchronized (mended) {
      return List.copyOf(mended);
    }
  }

  public Progress progress() {
    return progress;
  }

  /** How often it goes round and how fast it reads at most, for people. */
  static String pace() {
    return "a round every "
        + ROUND_EVERY.toMinutes()
        + " minutes, at most "
        + (BYTES_PER_SECOND >> 20)
        + " MiB and "
        + FILES_PER_SECOND
        + " state files a second";
  }

  @Nullable String trouble() {
    return trouble;
  }

  private synchronized void round(boolean paced) {
    Progress before = progress;
    progress =
        new Progress(
            before.round() + 1,
            core.clock().instant(),
            before.completedAt(),
            0,
            before.mended(),
            before.unmendable());
    trouble = null;
    try {
      storage(paced);
      stateFiles(paced);
      strangers(paced);
      if (!thread.isClosed() || !paced) {
        Progress now = progress;
        progress =
            new Progress(
                now.round(),
                now.startedAt(),
                core.clock().instant(),
                now.pieces(),
                now.mended(),
                now.unmendable());
      }
    } catch (RuntimeException e) {
      // Whatever it was, the next round must come.
      trouble = e.getMessage() + ". The next round begins in " + ROUND_EVERY;
      core.log(Category.ERROR, "scrub-failed", Map.of("error", String.valueOf(e.getMessage())));
    }
  }

  private void storage(boolean paced) {
    boolean last = false;
    while (!last && goesOn(paced)) {
      Piece piece = core.ports().scrubbing().next();
      piece.mended().forEach(this::note);
      count();
      last = piece.last();
      pause(paced, TimeUnit.SECONDS.toNanos(1) * piece.bytes() / BYTES_PER_SECOND);
    }
  }

  private void stateFiles(boolean paced) {
    var keys = new ArrayList<EntityKey>();
    core.state().select(_ -> true).forEach(task -> keys.add(EntityKey.of(task.entity().id())));
    core.state()
        .storedInitiatives()
        .forEach(initiative -> keys.add(EntityKey.of(initiative.entity().id())));
    for (int from = 0; from < keys.size() && goesOn(paced); from += GROUP) {
      List<EntityKey> group =
          keys.subList(from, Math.min(from + GROUP, keys.size())).stream()
              .filter(key -> !sync.isDirty(key))
              .toList();
      sync.reconcile(group).findings().forEach(this::putBack);
      count();
      pause(paced, TimeUnit.SECONDS.toNanos(group.size()) / FILES_PER_SECOND);
    }
  }

  private void strangers(boolean paced) {
    boolean last = false;
    while (!last && goesOn(paced)) {
      Swept swept = sync.exclusively(() -> core.ports().stateFiles().sweep(core.state()::exists));
      swept.findings().forEach(sync::note);
      count();
      last = swept.last();
      pause(paced, TimeUnit.SECONDS.toNanos(swept.looked()) / FILES_PER_SECOND);
    }
  }

  private boolean goesOn(boolean paced) {
    return !paced || !thread.isClosed();
  }

  private void pause(boolean paced, long nanos) {
    long until = System.nanoTime() + nanos;
    while (paced && !thread.isClosed() && System.nanoTime() < until) {
      LockSupport.parkNanos(Math.min(until - System.nanoTime(), TimeUnit.MILLISECONDS.toNanos(50)));
    }
  }

  private void count() {
    Progress now = progress;
    progress =
        new Progress(
            now.round(),
            now.startedAt(),
            now.completedAt(),
            now.pieces() + 1,
            now.mended(),
            now.unmendable());
  }

  /** What was found of a state file; unless it was left as it is, memory's now stands there. */
  private void putBack(Finding finding) {
    sync.note(finding);
    if (finding.condition() != Condition.AHEAD) {
      keep(new Mended(finding.place(), finding.detail(), "memory", finding.quarantined()));
    }
  }

  /** Counts it, and keeps it among the last ones. */
  private void keep(Mended one) {
    boolean isWhole = one.source() != null;
    synchronized (mended) {
      mended.addLast(one);
      if (mended.size() > MENDED_KEPT) {
        mended.removeFirst();
      }
    }
    Progress now = progress;
    progress =
        new Progress(
            now.round(),
            now.startedAt(),
            now.completedAt(),
            now.pieces(),
            now.mended() + (isWhole ? 1 : 0),
            now.unmendable() + (isWhole ? 0 : 1));
  }

  private void note(Mended one) {
    boolean isWhole = one.source() != null;
    keep(one);
    if (!isWhole) {
      trouble =
          one.place()
              + " "
              + one.damage()
              + ", and there is nothing that it could be rebuilt from. Put it back from a backup";
    }
    core.log(
        Category.ERROR,
        isWhole ? "mended" : "unmendable",
        Map.of(
            "place", one.place(),
            "damage", one.damage(),
            "source", String.valueOf(one.source()),
            "quarantined", String.valueOf(one.quarantined())));
  }

  void close() {
    thread.close();
  }
}
