package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.OutputStorage.Checked;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.OutputStorage.Sealing;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Seals outputs when their attempts are over: from then on damage of either of their files is found
 * and mended. Any thread.
 */
final class OutputSeals {
  private static final Duration AGAIN = Duration.ofSeconds(1);
  private static final Duration AGAIN_MAX = Duration.ofMinutes(10);
  private static final int AT_ONCE = 256;

  /**
   * A descendant may write for long after the end: the more there is to read again, the longer it
   * waits for the next seal.
   */
  private static final long LATE_BYTES_PER_SECOND = 16L << 20;

  private final Core core;
  private final Mendings mendings;
  private final Background thread = new Background("holdfast-seals");

  /** Runs that have ended and are to be looked at. */
  private final Map<RunRef, Due> ended = new ConcurrentHashMap<>();

  private final AtomicBoolean wanted = new AtomicBoolean();

  /** Held from when a stream is sealed until that is recorded, and while one is checked. */
  private final ReentrantLock seals = new ReentrantLock();

  private volatile @Nullable Trouble trouble;

  /**
   * When a run is to be sealed, and how long to wait if that fails: what is damaged in both files
   * is not read again every second.
   */
  private record Due(Instant at, Duration pause) {
    static final Due NOW = new Due(Instant.MIN, AGAIN);

    Due later(Instant now) {
      Duration doubled = pause.multipliedBy(2);
      return new Due(now.plus(pause), doubled.compareTo(AGAIN_MAX) > 0 ? AGAIN_MAX : doubled);
    }
  }

  OutputSeals(Core core, Mendings mendings) {
    this.core = core;
    this.mendings = mendings;
  }

  /** Takes note of an attempt that is over. Neither blocks nor throws. */
  void ended(RunRef run, Attempt attempt, Task task) {
    List<OutputStreamName> streams = task.spec().output().streams();
    if (streams.stream().allMatch(attempt::isSealed)) {
      return;
    }
    long sealed = attempt.seals().values().stream().mapToLong(OutputSeal::bytes).sum();
    boolean isLate = !attempt.seals().isEmpty();
    ended.putIfAbsent(
        run,
        isLate
            ? new Due(core.clock().instant().plusSeconds(1 + sealed / LATE_BYTES_PER_SECOND), AGAIN)
            : Due.NOW);
    if (!isLate && wanted.compareAndSet(false, true)) {
      thread.soon(this::sealDue);
    }
  }

  void start() {
    thread.soon(this::sealFound);
    thread.every(AGAIN, this::sealDue);
  }

  /** What an earlier server left, a few at a time: there may be a million. */
  private void sealFound() {
    var some = new HashMap<RunRef, Due>();
    for (Stored<Task> stored : core.state().select(task -> !task.attempts().isEmpty())) {
      for (Attempt attempt : stored.entity().attempts()) {
        boolean isSealed =
            stored.entity().spec().output().streams().stream().allMatch(attempt::isSealed);
        if (attempt.outcome() != null && !isSealed) {
          some.put(new RunRef(stored.entity().id(), attempt.number(), attempt.run()), Due.NOW);
        }
      }
      if (some.size() >= AT_ONCE) {
        sealGuarded(some);
        some.clear();
      }
      if (thread.isClosed()) {
        return;
      }
    }
    sealGuarded(some);
  }

  private void sealDue() {
    boolean more = true;
    while (more && !thread.isClosed()) {
      wanted.set(false);
      Instant now = core.clock().instant();
      var due = new HashMap<RunRef, Due>();
      ended.entrySet().stream()
          .filter(entry -> !entry.getValue().at().isAfter(now))
          .limit(AT_ONCE)
          .forEach(entry -> due.put(entry.getKey(), entry.getValue()));
      // Taken out first: what changes from now on puts it in again.
      ended.keySet().removeAll(due.keySet());
      more = sealGuarded(due) && due.size() == AT_ONCE;
    }
    if (ended.isEmpty()) {
      trouble = null;
    }
  }

  private boolean sealGuarded(Map<RunRef, Due> due) {
    try {
      seal(due);
      return true;
    } catch (RuntimeException e) {
      // Whatever it was, it must be tried again.
      due.forEach((run, before) -> again(run, before, String.valueOf(e.getMessage())));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  private void again(RunRef run, Due before, String reason) {
    ended.put(run, before.later(core.clock().instant()));
    trouble =
        new Trouble(
            reason + ". It is tried again in " + before.pause(),
            "See that the disks of the output and of its copy have room and can be written; if both"
                + " are damaged, put either back from a backup");
  }

  private void seal(Map<RunRef, Due> due) throws InterruptedException {
    seals.lock();
    try {
      var recorded = new LinkedHashMap<Output, Long>();
      due.keySet().forEach(run -> unsealed(run, recorded));
      Map<Output, Sealing> results = core.ports().outputs().seal(List.copyOf(recorded.keySet()));
      var sealed = new LinkedHashMap<RunRef, Map<OutputStreamName, OutputSeal>>();
      results.forEach(
          (output, result) -> {
            switch (result) {
              case Sealing.Sealed(OutputSeal seal, List<Mended> mended) -> {
                mended.forEach(mendings::note);
                long expected = recorded.getOrDefault(output, 0L);
                noteLoss(output, expected, seal);
                // Nothing needs no seal, as long as nothing is what was recorded.
                if (seal.bytes() > 0 || expected > 0) {
                  sealed
                      .computeIfAbsent(output.run(), _ -> new EnumMap<>(OutputStreamName.class))
                      .put(output.stream(), seal);
                }
              }
              case Sealing.Postponed(String reason) ->
                  again(output.run(), due.getOrDefault(output.run(), Due.NOW), reason);
            }
          });
      record(sealed, recorded, due);
    } finally {
      seals.unlock();
    }
  }

  /** The streams of a run that are to be sealed, with the sizes that are recorded. */
  private void unsealed(RunRef run, Map<Output, Long> recorded) {
    Task task = core.current(run.task());
    Attempt attempt = attempt(run);
    if (task != null && attempt != null && attempt.outcome() != null) {
      task.spec().output().streams().stream()
          .filter(stream -> !attempt.isSealed(stream))
          .forEach(stream -> recorded.put(new Output(run, stream), attempt.recordedBytes(stream)));
    }
  }

  private @Nullable Attempt attempt(RunRef run) {
    Task task = core.current(run.task());
    return task != null && task.run(run.attempt()).filter(run::equals).isPresent()
        ? task.attempts().get(run.attempt() - 1)
        : null;
  }

  private void record(
      Map<RunRef, Map<OutputStreamName, OutputSeal>> sealed,
      Map<Output, Long> recorded,
      Map<RunRef, Due> due)
      throws InterruptedException {
    var recording = new ArrayList<Thread>();
    sealed.forEach(
        (run, of) -> {
          var sizes = new EnumMap<OutputStreamName, Long>(OutputStreamName.class);
          of.keySet().forEach(stream -> sizes.put(stream, recorded.get(new Output(run, stream))));
          var command = new TaskCommand.SealOutput(run, of, sizes);
          recording.add(
              Thread.startVirtualThread(() -> record(command, due.getOrDefault(run, Due.NOW))));
        });
    for (Thread one : recording) {
      one.join();
    }
  }

  private void record(TaskCommand.SealOutput command, Due due) {
    RunRef run = command.run();
    try {
      Answer<Stored<Task>> answer = core.store().record(run.task(), command);
      if (answer instanceof Answer.Unavailable<?>
          || answer instanceof Answer.DurabilityUnknown<?>) {
        again(run, due, "the seal of " + run + " was not recorded: " + answer);
      }
    } catch (StorageException e) {
      again(run, due, String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Only a power cut can take back what was written: nobody had made it durable yet. */
  private void noteLoss(Output output, long recorded, OutputSeal seal) {
    if (recorded > seal.bytes()) {
      core.log(
          Category.ERROR,
          "output-lost",
          Map.of(
              "taskId", output.run().task().value(),
              "attempt", output.run().attempt(),
              "stream", output.stream().name(),
              "from", seal.bytes(),
              "to", recorded));
    }
  }

  /**
   * Reads part of a sealed output again, and mends it. One that has grown is sealed anew.
   *
   * @param from 0, or what an earlier call returned as the beginning of the next part
   * @return what was found, or null if the output is not sealed any more
   * @throws StorageException if it cannot be read or mended
   */
  @Nullable Checked check(Output output, long from) {
    seals.lock();
    try {
      OutputSeal seal = sealOf(output);
      if (seal == null || from >= seal.bytes()) {
        return null;
      }
      Checked checked = core.ports().outputs().check(output, seal, from);
      if (attempt(output.run()) == null) {
        // It was purged meanwhile: what was missed is what was to go.
        return null;
      }
      if (checked.grown()) {
        recordGrowth(output.run());
      }
      return checked;
    } finally {
      seals.unlock();
    }
  }

  private @Nullable OutputSeal sealOf(Output output) {
    Attempt attempt = attempt(output.run());
    return attempt != null && attempt.isSealed(output.stream())
        ? attempt.seals().get(output.stream())
        : null;
  }

  private void recordGrowth(RunRef run) {
    Task task = core.current(run.task());
    if (task == null) {
      return;
    }
    var sizes = new Outputs(core::state, core.ports().outputs()).lengths(run, task.spec().output());
    try {
      core.store().record(run.task(), new TaskCommand.RecordLateOutput(run, sizes));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Packs a sealed output whose attempt ended before a time, if nothing lives any more that could
   * write to it.
   *
   * @throws StorageException if it cannot be packed; it stays as it is then
   */
  void packIfEndedBefore(Output output, Instant time) {
    Attempt attempt = attempt(output.run());
    OutputSeal seal = sealOf(output);
    if (attempt != null
        && seal != null
        && attempt.endedAt() != null
        && attempt.endedAt().isBefore(time)
        && core.ports().outputs().pack(output, seal, () -> isOver(output.run(), attempt))) {
      core.log(
          Category.SYSTEM,
          "output-packed",
          Map.of(
              "taskId", output.run().task().value(),
              "attempt", output.run().attempt(),
              "stream", output.stream().name()));
    }
  }

  /** A descendant that outlived its attempt might still write. None outlives the machine's boot. */
  private boolean isOver(RunRef run, Attempt attempt) {
    if (!attempt.host().bootId().equals(core.ports().processes().host().bootId())) {
      return true;
    }
    ProcessEvidence evidence = core.ports().processes().examine(run, attempt);
    return evidence.sameHost()
        && evidence.lock() != ProcessEvidence.Lock.HELD
        && evidence.cookieBearers().isEmpty()
        && !(evidence.process() instanceof ProcessEvidence.RecordedProcess.Alive);
  }

  /** Runs that are to be looked at. */
  int count() {
    return ended.size();
  }

  @Nullable Trouble trouble() {
    return trouble;
  }

  void close() {
    thread.close();
  }
}
