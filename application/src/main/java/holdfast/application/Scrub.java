package holdfast.application;

import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.OutputStorage.Checked;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Swept;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
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
  private static final long BYTES_PER_SECOND = 16L << 20;
  private static final int FILES_PER_SECOND = 2_000;
  private static final int GROUP = 128;

  /** What is not an output must not wait for terabytes of them. */
  private static final Duration OUTPUTS_ROUND_MAX = Duration.ofMinutes(5);

  /** Until then people look at the file itself, and descendants may write late. */
  private static final Duration PACKED_AFTER = Duration.ofDays(1);

  private final Core core;
  private final SyncService sync;
  private final Background thread = new Background("holdfast-scrub");
  private final OutputSeals outputs;
  private final Mendings mendings;
  private final Duration interval;
  private @Nullable Output nextOutput;
  private volatile Round current = new Round(0, null, null, 0);
  private volatile @Nullable Trouble trouble;

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

  /** Which round it is, and how far. */
  private record Round(
      int number, @Nullable Instant startedAt, @Nullable Instant completedAt, long pieces) {

    Round next(Instant now) {
      return new Round(number + 1, now, completedAt, 0);
    }

    Round read() {
      return new Round(number, startedAt, completedAt, pieces + 1);
    }

    Round completed(Instant now) {
      return new Round(number, startedAt, now, pieces);
    }
  }

  /**
   * @param interval pause between two rounds
   */
  Scrub(Core core, SyncService sync, OutputSeals outputs, Mendings mendings, Duration interval) {
    this.core = core;
    this.sync = sync;
    this.outputs = outputs;
    this.mendings = mendings;
    this.interval = interval;
  }

  void start() {
    thread.every(Duration.ofMillis(1), interval, () -> round(true));
  }

  /** Runs a whole round at once, as fast as it can. */
  public Progress round() {
    round(false);
    return progress();
  }

  /** What was mended last, oldest first. */
  public List<Mended> mended() {
    return mendings.last();
  }

  public Progress progress() {
    Round now = current;
    return new Progress(
        now.number(),
        now.startedAt(),
        now.completedAt(),
        now.pieces(),
        mendings.mended(),
        mendings.unmendable());
  }

  /** How often it goes round and how fast it reads at most, for people. */
  String pace() {
    return "a round every "
        + interval.toSeconds()
        + " seconds, at most "
        + (BYTES_PER_SECOND >> 20)
        + " MiB and "
        + FILES_PER_SECOND
        + " state files a second";
  }

  /** Why not everything can be checked, and what to do, or null. */
  @Nullable Trouble trouble() {
    return trouble;
  }

  /** What is damaged in every copy, and what to do, or null. */
  @Nullable Trouble loss() {
    return mendings.loss();
  }

  private static Trouble trouble(RuntimeException e, String again) {
    return new Trouble(
        e.getMessage() + ". " + again,
        "See that the directories are there and can be read and written; the error log has more");
  }

  private synchronized void round(boolean paced) {
    current = current.next(core.clock().instant());
    mendings.lookBegins();
    trouble = null;
    try {
      storage(paced);
      stateFiles(paced);
      strangers(paced);
      outputs(paced);
      if (!thread.isClosed() || !paced) {
        mendings.lookEnds();
        current = current.completed(core.clock().instant());
      }
    } catch (RuntimeException e) {
      // Whatever it was, the next round must come.
      trouble = trouble(e, "The next round begins in " + interval);
      core.log(Category.ERROR, "scrub-failed", Map.of("error", String.valueOf(e.getMessage())));
    }
  }

  private void storage(boolean paced) {
    boolean last = false;
    while (!last && goesOn(paced)) {
      Piece piece = core.ports().scrubbing().next();
      piece.mended().forEach(mendings::note);
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
      List<Finding> found = sync.reconcile(group).findings();
      sync.noteAll(found);
      found.forEach(this::putBack);
      count();
      pause(paced, TimeUnit.SECONDS.toNanos(group.size()) / FILES_PER_SECOND);
    }
  }

  private void strangers(boolean paced) {
    boolean last = false;
    while (!last && goesOn(paced)) {
      Swept swept = sync.sweep();
      count();
      last = swept.last();
      pause(paced, TimeUnit.SECONDS.toNanos(swept.looked()) / FILES_PER_SECOND);
    }
  }

  /** Goes on where the last round left off, if there is more than one round has time for. */
  private void outputs(boolean paced) {
    List<Output> all = sealedOutputs();
    int first = Math.max(0, all.indexOf(nextOutput));
    long until = System.nanoTime() + OUTPUTS_ROUND_MAX.toNanos();
    nextOutput = null;
    for (int i = 0; i < all.size() && goesOn(paced); i++) {
      Output output = all.get((first + i) % all.size());
      if (paced && System.nanoTime() > until) {
        nextOutput = output;
        return;
      }
      output(output, paced);
    }
  }

  private List<Output> sealedOutputs() {
    var all = new ArrayList<Output>();
    for (var stored : core.state().select(task -> !task.attempts().isEmpty())) {
      Task task = stored.entity();
      for (Attempt attempt : task.attempts()) {
        var run = new RunRef(task.id(), attempt.number(), attempt.run());
        attempt.seals().keySet().forEach(stream -> all.add(new Output(run, stream)));
      }
    }
    return all;
  }

  private void output(Output output, boolean paced) {
    try {
      long from = 0;
      while (from >= 0 && goesOn(paced)) {
        Checked checked = outputs.check(output, from);
        if (checked == null) {
          return;
        }
        checked.mended().forEach(mendings::note);
        count();
        from = checked.next();
        if (from < 0 && checked.mended().isEmpty()) {
          outputs.packIfEndedBefore(output, core.clock().instant().minus(PACKED_AFTER));
        }
        pause(
            paced,
            TimeUnit.SECONDS.toNanos(1) * checked.bytes() / BYTES_PER_SECOND
                + TimeUnit.SECONDS.toNanos(2) / FILES_PER_SECOND);
      }
    } catch (StorageException e) {
      // The others must not wait for one that cannot be read or written.
      trouble = trouble(e, "It is tried again in the next round");
      core.log(Category.ERROR, "scrub-failed", Map.of("error", String.valueOf(e.getMessage())));
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
    current = current.read();
  }

  /** What was found of a state file; unless it was left as it is, memory's now stands there. */
  private void putBack(Finding finding) {
    if (finding.condition() != Condition.AHEAD) {
      mendings.count(
          new Mended(finding.place(), finding.detail(), "memory", finding.quarantined()));
    }
  }

  void close() {
    thread.close();
  }
}
