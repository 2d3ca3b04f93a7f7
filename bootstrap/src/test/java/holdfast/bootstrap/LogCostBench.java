package holdfast.bootstrap;

import com.sun.management.OperatingSystemMXBean;
import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageSettings;
import holdfast.application.Holdfast;
import holdfast.application.Ports;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.port.SimulatedProcessControl;
import holdfast.domain.port.SimulatedWorld;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.TaskSpec;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * What the event log and the audit trail cost those who submit: 64 of them, durably, with every
 * change logged and with none, then with every change audited and with none, in turns. The whole
 * server but its doors. Called by {@code ./bench}; argument: a scratch directory.
 */
final class LogCostBench {
  private static final int WRITERS = 64;
  private static final int ROUNDS = 21;
  private static final long ROUND_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final OperatingSystemMXBean PROCESSOR =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  private static final Duration NEVER = Duration.ofDays(1);

  private final Holdfast server;
  private final SwitchedLog log;
  private final SwitchedTrail trail;
  private final TaskSpec spec = SpecDraft.of("true").title("x".repeat(340)).spec();

  private LogCostBench(Holdfast server, SwitchedLog log, SwitchedTrail trail) {
    this.server = server;
    this.trail = trail;
    this.log = log;
  }

  /** Logs, or does not. */
  private static final class SwitchedLog implements EventLog {
    private final EventLog log;
    private volatile boolean on = true;

    SwitchedLog(EventLog log) {
      this.log = log;
    }

    @Override
    public void append(EventLog.Entry entry) {
      if (on) {
        log.append(entry);
      }
    }

    @Override
    public void flush() {
      log.flush();
    }

    @Override
    public EventLogReader reader() {
      return log.reader();
    }

    @Override
    public void close() {
      log.close();
    }
  }

  /** Keeps entries, or does not. */
  private static final class SwitchedTrail implements AuditTrail {
    private final AuditTrail trail;
    private volatile boolean on = true;

    SwitchedTrail(AuditTrail trail) {
      this.trail = trail;
    }

    @Override
    public boolean append(AuditTrail.Entry entry) {
      return !on || trail.append(entry);
    }

    @Override
    public Head force() {
      return trail.force();
    }

    @Override
    public Head head() {
      return trail.head();
    }

    @Override
    public Verdict verify() {
      return trail.verify();
    }
  }

  public static void main(String[] arguments) throws Exception {
    // Each on a server of its own: with millions of tasks the collector is most of what is
    // measured.
    Path scratch = Path.of(arguments[0]);
    on(scratch.resolve("log"), bench -> bench.compare("event log", on -> bench.log.on = on));
    on(scratch.resolve("audit"), bench -> bench.compare("audit trail", on -> bench.trail.on = on));
  }

  /** What is measured on a server. */
  @FunctionalInterface
  private interface Comparison {
    void run(LogCostBench bench) throws InterruptedException;
  }

  private static void on(Path data, Comparison comparison) throws Exception {
    FileStorageSettings settings =
        FileStorageSettings.of(
            data,
            InstantSource.system(),
            failure -> {
              throw new AssertionError(failure);
            });
    try (FileStorage storage = FileStorage.open(settings);
        var processes = new SimulatedProcessControl(new SimulatedWorld((_, _, _) -> {}))) {
      Ports real = Storage.ports(storage, processes);
      var log = new SwitchedLog(real.events());
      var trail = new SwitchedTrail(real.audit());
      var ports =
          new Ports(
              real.tasks(),
              real.outputs(),
              real.processes(),
              real.recovery(),
              real.stateFiles(),
              real.snapshots(),
              real.scrubbing(),
              log,
              trail);
      try (Holdfast server =
          Holdfast.start(
              ports,
              1,
              new Holdfast.Intervals(NEVER, NEVER, NEVER),
              InstantSource.system(),
              new SecureRandom(),
              () -> false)) {
        comparison.run(new LogCostBench(server, log, trail));
      }
    }
  }

  private void compare(String what, Consumer<Boolean> turn) throws InterruptedException {
    // Once without being counted: the JIT compiler sees the path.
    measure(true, turn);
    var with = new ArrayList<Measured>();
    var without = new ArrayList<Measured>();
    var ratios = new ArrayList<Double>();
    for (int round = 0; round < ROUNDS; round++) {
      // Now the one first, now the other: the state grows, and others use the machine.
      boolean first = round % 2 == 0;
      Measured one = measure(first, turn);
      Measured other = measure(!first, turn);
      with.add(first ? one : other);
      without.add(first ? other : one);
      ratios.add(without.getLast().micros() / with.getLast().micros());
    }
    row("submissions with " + what + ", median of " + ROUNDS, median(with, Measured::rate), "1/s");
    row("  without, in turns", median(without, Measured::rate), "1/s");
    row("processor time of a submission, with", median(with, Measured::micros), "us");
    row("  without", median(without, Measured::micros), "us");
    row("  without / with, median of the pairs", median(ratios, ratio -> ratio), "");
  }

  /**
   * What one round came to.
   *
   * @param rate submissions a second
   * @param micros processor time of the whole process for each, which does not depend on what else
   *     the machine does
   */
  private record Measured(double rate, double micros) {}

  private static void row(String name, double value, String unit) {
    System.out.printf(Locale.ROOT, "%-58s %12.2f %s%n", name, value, unit);
  }

  private static <T> double median(List<T> values, ToDoubleFunction<T> figure) {
    return values.stream().mapToDouble(figure).sorted().toArray()[values.size() / 2];
  }

  private Measured measure(boolean on, Consumer<Boolean> turn) throws InterruptedException {
    log.flush();
    turn.accept(on);
    var submitted = new AtomicLong();
    long processor = PROCESSOR.getProcessCpuTime();
    long begun = System.nanoTime();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < WRITERS; i++) {
      threads.add(Thread.startVirtualThread(() -> submit(begun + ROUND_NANOS, submitted)));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    log.flush();
    double count = submitted.get();
    return new Measured(
        count / ((System.nanoTime() - begun) / 1e9),
        (PROCESSOR.getProcessCpuTime() - processor) / 1e3 / count);
  }

  private void submit(long end, AtomicLong submitted) {
    try {
      while (System.nanoTime() - end < 0) {
        CoreOnDisk.done(server.tasks().submit(spec, true, null));
        submitted.incrementAndGet();
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
