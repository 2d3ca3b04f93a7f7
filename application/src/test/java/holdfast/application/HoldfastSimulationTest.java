package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.Change;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.port.SimulatedWorld.Interruption;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState.Name;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random clients against a server that is killed again and again, over processes that end, lose
 * their monitors and are rebooted away at random.
 *
 * <p>The oracle: whatever was answered Done still holds after the crash; no attempt reached its
 * command twice; nothing stays active without a process; and nothing has succeeded whose command
 * did not exit with 0.
 */
class HoldfastSimulationTest {
  private static final int CLIENTS = 4;
  private static final int STEPS = 30;
  private static final int RUNNING_MAX = 5;

  private final Map<TaskId, Long> acknowledged = new ConcurrentHashMap<>();
  private final Map<TaskId, Boolean> purged = new ConcurrentHashMap<>();
  private final Queue<SimulatedProcess> processes = new ConcurrentLinkedQueue<>();
  private final List<TaskId> known = new CopyOnWriteArrayList<>();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  @Test
  @Timeout(120)
  void nothingAcknowledgedIsLostAndNothingRunsTwice() throws InterruptedException {
    simulate(Long.getLong("holdfast.test.seed", System.nanoTime()), 80);
  }

  @Test
  @Tag("long")
  @Timeout(1_200)
  void nothingAcknowledgedIsLostInManyLives() throws InterruptedException {
    for (int i = 0; i < 20; i++) {
      acknowledged.clear();
      purged.clear();
      processes.clear();
      known.clear();
      simulate(System.nanoTime(), 150);
    }
  }

  private void simulate(long seed, int lives) throws InterruptedException {
    System.out.println("HoldfastSimulationTest seed " + seed);
    var random = new Random(seed);
    try (Site site = Site.notStarted(RUNNING_MAX, random.nextLong())) {
      site.world.program("run", processes::add);
      site.world.program(
          "stubborn",
          process -> {
            process.onTerm(_ -> {});
            processes.add(process);
          });
      for (int life = 0; life < lives; life++) {
        site.start();
        check(site, seed);
        live(site, random);
        site.crash();
        whileDown(site, random);
      }
      site.start();
      check(site, seed);
      finish(site, seed);
    }
  }

  private void live(Site site, Random random) throws InterruptedException {
    var clients = new ArrayList<Thread>();
    for (int i = 0; i < CLIENTS; i++) {
      var own = new Random(random.nextLong());
      clients.add(Thread.ofVirtual().start(() -> client(site, own)));
    }
    for (int i = 0; i < STEPS; i++) {
      disturb(site, random);
    }
    if (random.nextBoolean()) {
      // Half of the crashes come when the clients are done, the others amid what they ask.
      for (Thread client : clients) {
        client.join();
      }
    } else {
      site.control().kill();
      site.storage().crash();
      for (Thread client : clients) {
        client.join();
      }
    }
    Throwable broken = failure.get();
    if (broken != null) {
      throw new AssertionError(broken);
    }
  }

  private void client(Site site, Random random) {
    try {
      for (int i = 0; i < STEPS; i++) {
        if (known.isEmpty() || random.nextInt(3) == 0) {
          note(site.tasks().submit(spec(random), random.nextInt(4) == 0, null));
        } else {
          ask(site, known.get(random.nextInt(known.size())), random);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error broken) {
      failure.compareAndSet(null, broken);
    }
  }

  private static TaskSpec spec(Random random) {
    String program =
        switch (random.nextInt(5)) {
          case 0 -> "true";
          case 1 -> "false";
          case 2 -> "stubborn";
          case 3 -> "missing";
          default -> "run";
        };
    return SpecDraft.of(program)
        .retry(1 + random.nextInt(3), Duration.ZERO, Duration.ofMillis(5))
        .onLost(random.nextBoolean() ? OnLost.FAIL : OnLost.RERUN)
        .stopGrace(Duration.ofMillis(random.nextInt(20)))
        .timeout(random.nextInt(4) == 0 ? Duration.ofMillis(1 + random.nextInt(30)) : null)
        .priority(random.nextInt(3))
        .spec();
  }

  private void ask(Site site, TaskId id, Random random) throws InterruptedException {
    switch (random.nextInt(8)) {
      case 0 -> note(site.tasks().command(id, new TaskCommand.Hold(), null));
      case 1 -> note(site.tasks().command(id, new TaskCommand.Release(), null));
      case 2 -> note(site.tasks().command(id, new TaskCommand.Cancel(), null));
      case 3 -> note(site.tasks().command(id, new TaskCommand.Stop(null), null));
      case 4 -> note(site.tasks().command(id, new TaskCommand.Kill(), null));
      case 5 -> note(site.tasks().command(id, new TaskCommand.Retry(), null));
      case 6 -> {
        if (site.tasks().purge(id, null) instanceof Answer.Done<?>) {
          purged.put(id, true);
        }
      }
      default -> {
        String title = "title " + random.nextInt(9);
        note(site.tasks().patch(id, spec -> titled(spec, title), null));
      }
    }
  }

  private static TaskSpec titled(TaskSpec old, String title) {
    return SpecDraft.of(old.command().toArray(String[]::new))
        .retry(old.retry().maxAttempts(), old.retry().backoff(), old.retry().maxBackoff())
        .onLost(old.onLost())
        .stopGrace(old.stopGrace())
        .timeout(old.timeout())
        .priority(old.priority())
        .title(title)
        .spec();
  }

  private void note(Answer<Stored<Task>> answer) {
    if (answer instanceof Answer.Done<Stored<Task>>(Stored<Task> stored, boolean _)) {
      Task task = stored.entity();
      if (acknowledged.merge(task.id(), task.revision(), Math::max) == 1) {
        known.add(task.id());
      }
    }
  }

  private void disturb(Site site, Random random) {
    if (random.nextInt(6) == 0) {
      Interruption[] all = Interruption.values();
      site.world.interruptNextLaunch(all[random.nextInt(all.length)]);
    }
    SimulatedProcess process = processes.poll();
    if (process == null) {
      Thread.onSpinWait();
    } else {
      end(site, process, random);
    }
  }

  private void end(Site site, SimulatedProcess process, Random random) {
    switch (random.nextInt(6)) {
      case 0 -> process.exit(0);
      case 1 -> process.exit(1 + random.nextInt(255));
      case 2 -> process.end(new Outcome.Signaled(9));
      case 3 -> {
        site.world.killMonitor(process.run());
        process.exit(0);
      }
      default -> processes.add(process);
    }
  }

  private void whileDown(Site site, Random random) {
    for (int i = 0; i < 3 && !processes.isEmpty(); i++) {
      end(site, processes.remove(), random);
    }
    if (random.nextInt(8) == 0) {
      site.world.reboot();
    }
    for (RunRef run : activeRuns(site)) {
      if (random.nextInt(2) == 0) {
        release(site, run);
      }
    }
  }

  private static List<RunRef> activeRuns(Site site) {
    return site.server().state().select(task -> task.state().name().isActive()).stream()
        .map(stored -> stored.entity().lastRun().orElseThrow())
        .toList();
  }

  private static void release(Site site, RunRef run) {
    try {
      site.world.releaseStart(run);
    } catch (IllegalStateException neverSpawned) {
      assertTrue(String.valueOf(neverSpawned.getMessage()).contains("no such run"));
    }
  }

  private void check(Site site, long seed) {
    LiveState state = site.server().state();
    acknowledged.forEach(
        (id, revision) -> {
          String what = "seed " + seed + ": " + id;
          int executions = site.world.executions(id);
          switch (state.task(id)) {
            case Lookup.Found<Stored<Task>>(Stored<Task> stored) -> {
              assertTrue(stored.entity().revision() >= revision, what + " lost a change");
              assertTrue(!purged.containsKey(id), what + " was purged");
              checkTask(site, stored.entity(), executions, what);
            }
            case Lookup.Purged<Stored<Task>> _ -> {}
            case Lookup.Missing<Stored<Task>> _ -> throw new AssertionError(what + " is lost");
          }
        });
  }

  /** The log shows every moment, where a look at the running server shows a blur. */
  private static void checkLog(Site site, long seed) {
    var active = new HashSet<EntityKey>();
    for (Committed committed : site.storage().content().log()) {
      if (committed.change() instanceof Change.PutTask put
          && put.task().state().name().isActive()) {
        active.add(put.key());
      } else {
        active.remove(committed.change().key());
      }
      assertTrue(
          active.size() <= RUNNING_MAX,
          () -> "seed " + seed + ": too many are active at seq " + committed.seq());
    }
  }

  private static void checkTask(Site site, Task task, int executions, String what) {
    assertTrue(
        executions <= task.attempts().size(),
        () -> what + " ran more often than it was tried: " + task);
    if (task.state().name() == Name.SUCCEEDED) {
      assertEquals(new Outcome.Exited(0), task.outcome(), what);
      assertTrue(!task.spec().command().equals(List.of("false")), what);
    }
    if (task.state().name() == Name.RUNNING) {
      RunRef run = task.lastRun().orElseThrow();
      var evidence = site.control().examine(run, task.attempts().getLast());
      if (!(RecoveryPolicy.judge(evidence) instanceof RecoveryVerdict.Adopted)) {
        Await.until(what + " is seen to have ended", () -> !task.equals(present(site, task)));
      }
    }
  }

  private static @Nullable Task present(Site site, Task task) {
    return site.server().state().task(task.id())
            instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
        ? stored.entity()
        : null;
  }

  /** Lets everything end: nothing may stay on its way for ever. */
  private void finish(Site site, long seed) {
    Await.until(
        "everything is over; seed " + seed,
        () -> {
          activeRuns(site).forEach(run -> release(site, run));
          SimulatedProcess process = processes.poll();
          while (process != null) {
            process.exit(0);
            process = processes.poll();
          }
          return site.server()
              .state()
              .select(t -> !t.state().name().isTerminal() && t.state().name() != Name.HELD)
              .isEmpty();
        });
    check(site, seed);
    checkLog(site, seed);
    Await.until("nothing pends", () -> site.tasks().idle());
    Await.until("nothing is pursued", () -> site.server().idle());
  }
}
