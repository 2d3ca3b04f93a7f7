package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.OutputStorage.Checked;
import holdfast.domain.port.OutputStorage.Copied;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.OutputStorage.Sealing;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.StorageException;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the second copy of every output in step while its command writes, and seals it when the
 * attempt is over: from then on damage of either copy is found and mended.
 *
 * <p>A copy is behind by what is written in a fifth of a second, as far as the disk and one
 * processor keep up, and by less than a chunk for a second more. Any thread.
 */
public final class OutputKeeper {
  private static final Duration LOOKS_EVERY = Duration.ofMillis(200);

  /** What fills no whole chunk is copied, and all is made durable, with every so manieth look. */
  private static final int LOOKS_FOR_ALL = 5;

  private static final Duration SEALS_AGAIN = Duration.ofSeconds(1);
  private static final Duration SEALS_AGAIN_MAX = Duration.ofMinutes(10);
  private static final int SEALED_AT_ONCE = 256;

  private final Core core;
  private final Mendings mendings;
  private final Background copying = new Background("holdfast-outputs");
  private final Background sealing = new Background("holdfast-seals");

  /** Outputs that may grow. */
  private final Map<Output, Growth> live = new ConcurrentHashMap<>();

  /** Runs that have ended and are to be sealed. */
  private final Map<RunRef, Due> ended = new ConcurrentHashMap<>();

  private final AtomicBoolean sealingWanted = new AtomicBoolean();

  /** Held from when a stream is sealed until that is recorded, and while one is checked. */
  private final ReentrantLock seals = new ReentrantLock();

  private int looks;
  private volatile long lag;
  private volatile @Nullable String copyTrouble;
  private volatile @Nullable String sealTrouble;

  /**
   * What was seen of an output when it was last looked at. One that does not grow is looked at less
   * often.
   *
   * @param length of the output
   * @param copied how much of it was in the copy afterwards
   * @param grows whether it had become longer since the look before
   */
  private record Growth(long length, long copied, boolean grows) {
    static final Growth UNKNOWN = new Growth(-1, 0, true);

    Growth next(Copied now) {
      return new Growth(now.length(), now.end(), now.length() != length);
    }
  }

  /**
   * When a run is to be sealed, and how long to wait if that fails: what is damaged in both files
   * is not read again every second.
   */
  private record Due(Instant at, Duration pause) {
    static final Due NOW = new Due(Instant.MIN, SEALS_AGAIN);

    Due later(Instant now) {
      Duration doubled = pause.multipliedBy(2);
      return new Due(
          now.plus(pause), doubled.compareTo(SEALS_AGAIN_MAX) > 0 ? SEALS_AGAIN_MAX : doubled);
    }
  }

  /**
   * How far the copies are.
   *
   * @param live outputs that may still grow
   * @param unsealed runs that have ended and are not sealed yet
   * @param lag bytes by which the copies were behind, all together, before they were last brought
   *     up to date
   */
  public record Status(int live, int unsealed, long lag) {}

  OutputKeeper(Core core, Mendings mendings) {
    this.core = core;
    this.mendings = mendings;
  }

  /** Takes note of a committed change. Neither blocks nor throws. */
  void observe(Task after) {
    List<Attempt> attempts = after.attempts();
    for (int i = 0; i < attempts.size(); i++) {
      Attempt attempt = attempts.get(i);
      var run = new RunRef(after.id(), attempt.number(), attempt.run());
      if (attempt.outcome() == null) {
        after
            .spec()
            .output()
            .streams()
            .forEach(name -> live.putIfAbsent(new Output(run, name), Growth.UNKNOWN));
      } else if (!attempt.isSealed()) {
        ended.putIfAbsent(run, Due.NOW);
        sealSoon();
      } else if (i == attempts.size() - 1) {
        forget(run, after);
      }
    }
  }

  private void forget(RunRef run, Task task) {
    task.spec().output().streams().forEach(name -> live.remove(new Output(run, name)));
  }

  /** Begins, with what recovery has found. */
  void start() {
    core.ports().outputs().listener(mendings::note);
    core.state().select(task -> !task.attempts().isEmpty()).forEach(task -> observe(task.entity()));
    copying.every(LOOKS_EVERY, this::look);
    sealing.every(SEALS_AGAIN, this::sealEnded);
  }

  private void look() {
    boolean all = ++looks % LOOKS_FOR_ALL == 0;
    long behind = 0;
    String trouble = null;
    for (Output output : live.keySet()) {
      if (!all && !live.getOrDefault(output, Growth.UNKNOWN).grows()) {
        continue;
      }
      try {
        behind += copy(output, all);
      } catch (RuntimeException e) {
        // Whatever it was, the others must not wait for it, and the next look must come.
        trouble = e.getMessage();
      }
    }
    lag = behind;
    try {
      if (all) {
        core.ports().outputs().force();
      }
    } catch (RuntimeException e) {
      trouble = e.getMessage();
    }
    copyTrouble = trouble == null ? null : trouble + ". The output itself is not affected";
  }

  private long copy(Output output, boolean all) {
    Task task = core.current(output.run().task());
    if (task == null || !isLive(task, output.run())) {
      live.remove(output);
      return 0;
    }
    Copied copied = core.ports().outputs().copy(output, all);
    long behind = copied.length() - live.getOrDefault(output, Growth.UNKNOWN).copied();
    while (copied.lag() >= OutputSeal.CHUNK) {
      long before = copied.end();
      copied = core.ports().outputs().copy(output, all);
      if (copied.end() == before) {
        break;
      }
    }
    Copied last = copied;
    live.computeIfPresent(output, (_, growth) -> growth.next(last));
    return Math.max(0, behind);
  }

  private static boolean isLive(Task task, RunRef run) {
    return run.attempt() <= task.attempts().size()
        && task.attempts().get(run.attempt() - 1).outcome() == null
        && task.attempts().get(run.attempt() - 1).run() == run.run();
  }

  private void sealSoon() {
    if (sealingWanted.compareAndSet(false, true)) {
      sealing.soon(this::sealEnded);
    }
  }

  private void sealEnded() {
    try {
      boolean more = true;
      while (more && !sealing.isClosed()) {
        sealingWanted.set(false);
        more = sealSome();
      }
      if (ended.isEmpty()) {
        sealTrouble = null;
      }
    } catch (RuntimeException e) {
      sealTrouble = e.getMessage() + ". It is tried again in " + SEALS_AGAIN;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns whether there may be more to seal at once. */
  private boolean sealSome() throws InterruptedException {
    Instant now = core.clock().instant();
    Map<RunRef, Due> due =
        ended.entrySet().stream()
            .filter(entry -> !entry.getValue().at().isAfter(now))
            .limit(SEALED_AT_ONCE)
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    // Taken out first: what changes from now on puts it in again.
    ended.keySet().removeAll(due.keySet());
    seals.lock();
    try {
      var outputs = new ArrayList<Output>();
      due.keySet()
          .forEach(run -> unsealed(run).forEach(name -> outputs.add(new Output(run, name))));
      if (!outputs.isEmpty()) {
        record(core.ports().outputs().seal(outputs), due);
      }
    } finally {
      seals.unlock();
    }
    return due.size() == SEALED_AT_ONCE;
  }

  private Iterable<OutputStreamName> unsealed(RunRef run) {
    Attempt attempt = attempt(run);
    return attempt == null ? List.of() : attempt.unsealed();
  }

  private @Nullable Attempt attempt(RunRef run) {
    Task task = core.current(run.task());
    return task != null && task.run(run.attempt()).filter(run::equals).isPresent()
        ? task.attempts().get(run.attempt() - 1)
        : null;
  }

  private void record(Map<Output, Sealing> results, Map<RunRef, Due> due)
      throws InterruptedException {
    var sealed = new LinkedHashMap<RunRef, Map<OutputStreamName, OutputSeal>>();
    results.forEach(
        (output, result) -> {
          switch (result) {
            case Sealing.Sealed(OutputSeal seal, List<Mended> mended) -> {
              mended.forEach(mendings::note);
              sealed
                  .computeIfAbsent(output.run(), _ -> new EnumMap<>(OutputStreamName.class))
                  .put(output.stream(), seal);
              noteLoss(output, seal);
            }
            case Sealing.Postponed(String reason) -> {
              Due before = due.getOrDefault(output.run(), Due.NOW);
              ended.put(output.run(), before.later(core.clock().instant()));
              sealTrouble = reason + ". It is tried again in " + before.pause();
            }
          }
        });
    var recording = new ArrayList<Thread>();
    sealed.forEach((run, of) -> recording.add(Thread.startVirtualThread(() -> record(run, of))));
    for (Thread thread : recording) {
      thread.join();
    }
  }

  private void record(RunRef run, Map<OutputStreamName, OutputSeal> of) {
    try {
      core.store().record(run.task(), new TaskCommand.SealOutput(run, of));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Only a power cut can take back what was written: nobody had made it durable yet. */
  private void noteLoss(Output output, OutputSeal seal) {
    Attempt attempt = attempt(output.run());
    Long recorded = attempt == null ? null : attempt.outputBytes().get(output.stream());
    if (recorded != null && recorded > seal.bytes()) {
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
    RunRef run = output.run();
    seals.lock();
    try {
      Attempt attempt = attempt(run);
      OutputSeal seal = attempt == null ? null : attempt.seals().get(output.stream());
      if (attempt == null || seal == null || !attempt.isSealed() || from >= seal.bytes()) {
        return null;
      }
      Checked checked = core.ports().outputs().check(output, seal, from);
      if (checked.grown()) {
        recordGrowth(run);
      }
      return checked;
    } finally {
      seals.unlock();
    }
  }

  /**
   * Packs a sealed output whose attempt ended before a time, if nothing lives any more that could
   * write to it.
   *
   * @throws StorageException if it cannot be packed; it stays as it is then
   */
  void packIfEndedBefore(Output output, Instant time) {
    seals.lock();
    try {
      Attempt attempt = attempt(output.run());
      OutputSeal seal = attempt == null ? null : attempt.seals().get(output.stream());
      if (attempt != null
          && seal != null
          && attempt.isSealed()
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
    } finally {
      seals.unlock();
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

  private void recordGrowth(RunRef run) {
    Task task = core.current(run.task());
    if (task == null) {
      return;
    }
    var sizes =
        new Outputs(core.state(), core.ports().outputs()).lengths(run, task.spec().output());
    try {
      core.store().record(run.task(), new TaskCommand.RecordLateOutput(run, sizes));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  public Status status() {
    return new Status(live.size(), ended.size(), lag);
  }

  /** Why copies are not kept or sealed, and what that means, or null. */
  @Nullable String trouble() {
    return copyTrouble == null ? sealTrouble : copyTrouble;
  }

  /** Copies what has been written until now. Commands write on; the next start goes on. */
  void atShutdown() {
    close();
    looks = LOOKS_FOR_ALL - 1;
    look();
  }

  void close() {
    copying.close();
    sealing.close();
  }
}
