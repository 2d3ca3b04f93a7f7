package holdfast.bootstrap;

import com.sun.management.OperatingSystemMXBean;
import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageSettings;
import holdfast.adapters.web.HoldfastWeb;
import holdfast.adapters.web.WebSettings;
import holdfast.application.GracefulShutdown;
import holdfast.application.Holdfast;
import holdfast.application.Ports;
import holdfast.application.ShutdownTasks;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.port.SimulatedProcessControl;
import holdfast.domain.port.SimulatedWorld;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * What the event log and the audit trail cost those who submit: 64 of them, durably, with every
 * change logged and with none, then with every change audited and with none, in turns. The whole
 * server, and {@code wrk} beside it. Called by {@code ./bench}; argument: a scratch directory.
 */
final class LogCostBench {
  private static final int CONNECTIONS = 64;
  private static final int WARMING = 16;
  private static final int ROUNDS = 15;
  private static final int ROUND_SECONDS = 2;
  private static final String TOKEN = "x".repeat(32);
  private static final OperatingSystemMXBean PROCESSOR =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  private static final Duration NEVER = Duration.ofDays(1);

  private final Wrk wrk;
  private final URI server;
  private final SwitchedLog log;
  private final SwitchedTrail trail;

  private LogCostBench(Wrk wrk, URI server, SwitchedLog log, SwitchedTrail trail) {
    this.wrk = wrk;
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
    void run(LogCostBench bench) throws IOException, InterruptedException;
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
      var web = new HoldfastWeb(WebSettings.loopback(0, TOKEN, "/tmp"), InstantSource.system());
      URI address = URI.create("http://127.0.0.1:" + web.start());
      var shutdown =
          new GracefulShutdown(
              Duration.ofSeconds(1), ShutdownTasks.KEEP, InstantSource.system(), ports, _ -> {});
      try (Holdfast server =
          Holdfast.start(
              ports,
              1,
              new Holdfast.Intervals(NEVER, NEVER, NEVER),
              InstantSource.system(),
              new SecureRandom(),
              shutdown::draining)) {
        web.open(server, shutdown);
        comparison.run(new LogCostBench(new Wrk(data), address, log, trail));
      } finally {
        web.stop(Duration.ofSeconds(1));
      }
    }
  }

  private void compare(String what, Consumer<Boolean> turn)
      throws IOException, InterruptedException {
    // Without being counted: the JIT compiler sees both paths.
    for (int round = 0; round < WARMING; round++) {
      measure(round % 2 == 0, turn);
    }
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
      ratios.add(with.getLast().rate() / without.getLast().rate());
    }
    row("POST with " + what + ", median of " + ROUNDS, median(with, Measured::rate), "1/s");
    row("  without, in turns", median(without, Measured::rate), "1/s");
    row("processor time of a submission, all rounds, with", micros(with), "us");
    row("  without", micros(without), "us");
    row("  rate with / without, median of the pairs", median(ratios, ratio -> ratio), "");
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

  /** Of all submissions of rounds that are equally long. */
  private static double micros(List<Measured> rounds) {
    return rounds.stream().mapToDouble(round -> round.micros() * round.rate()).sum()
        / rounds.stream().mapToDouble(Measured::rate).sum();
  }

  private static <T> double median(List<T> values, ToDoubleFunction<T> figure) {
    return values.stream().mapToDouble(figure).sorted().toArray()[values.size() / 2];
  }

  private Measured measure(boolean on, Consumer<Boolean> turn)
      throws IOException, InterruptedException {
    log.flush();
    turn.accept(on);
    long processor = PROCESSOR.getProcessCpuTime();
    Wrk.Measured measured = wrk.submit(server, TOKEN, CONNECTIONS, ROUND_SECONDS);
    log.flush();
    if (!measured.allTaken()) {
      throw new AssertionError("not every submission was taken");
    }
    double count = measured.rate() * ROUND_SECONDS;
    return new Measured(measured.rate(), (PROCESSOR.getProcessCpuTime() - processor) / 1e3 / count);
  }
}
