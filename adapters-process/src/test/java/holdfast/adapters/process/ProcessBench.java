package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.ProcessControl.Launch;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskSpec;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How fast commands start and end. Prints one line for each figure: name, value, unit, monitor.
 *
 * <pre>
 * first-instruction-p50, -p99   from before launch() to the command's first instruction
 * end-p50                       from the command's end to ended()
 * runs-per-second               `true`, four at a time, launch to ended()
 * follow-cpu                    processor time of following so many idle runs for ten seconds
 * </pre>
 *
 * Arguments: where to work, number of runs, number of idle runs, monitors (native, /bin/dash …).
 */
public final class ProcessBench {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Map<RunRef, CompletableFuture<Long>> ends = new ConcurrentHashMap<>();
  private final Path data;
  private final int runs;
  private final int idle;
  private int lastTask;

  private ProcessBench(Path data, int runs, int idle) {
    this.data = data;
    this.runs = runs;
    this.idle = idle;
  }

  /** Runs the benchmark. */
  public static void main(String[] arguments) throws Exception {
    Path place = Path.of(arguments.length > 0 ? arguments[0] : "target");
    int runs = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 500;
    int idle = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 10_000;
    String[] monitors =
        arguments.length > 3
            ? Arrays.copyOfRange(arguments, 3, arguments.length)
            : new String[] {"native", "/bin/sh"};
    for (String monitor : monitors) {
      Path data =
          Files.createTempDirectory(Files.createDirectories(place), "bench").toAbsolutePath();
      try {
        new ProcessBench(data, runs, idle).run(monitor);
      } finally {
        deleteAll(data);
      }
    }
  }

  private void run(String monitor) throws Exception {
    boolean nativeOne = monitor.equals("native");
    var settings =
        Worlds.settings(data, Long.MAX_VALUE)
            .withMonitor(
                nativeOne ? LinuxProcessControl.Monitor.NATIVE : LinuxProcessControl.Monitor.SHELL,
                nativeOne ? "/bin/sh" : monitor);
    try (var control = new LinuxProcessControl(settings)) {
      control.listener(new Ends());
      for (int i = 0; i < 50; i++) {
        runOne(control, "true");
      }
      latency(control, monitor);
      throughput(control, monitor);
      following(control, settings, monitor);
    }
  }

  private void latency(ProcessControl control, String monitor) throws Exception {
    // The wall clock, since the command tells the time of its first instruction itself.
    var latencies = new ArrayList<Double>();
    var ending = new ArrayList<Double>();
    for (int i = 0; i < Math.min(runs, 200); i++) {
      long before = System.currentTimeMillis() * 1_000_000;
      long beforeNanos = System.nanoTime();
      RunRef run = newRun();
      CompletableFuture<Long> end = begin(control, run, "date", "+%s%N");
      long ended = end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      String told = Files.readString(Worlds.runDirectory(data, run).resolve("output.log")).strip();
      // The wall clock's millisecond is cut off: half of one is what it hides on average.
      double first = (Long.parseLong(told) - before) / 1e6 - 0.5;
      latencies.add(first);
      ending.add((ended - beforeNanos) / 1e6 - first);
    }
    print("first-instruction-p50", percentile(latencies, 50), "ms", monitor);
    print("first-instruction-p99", percentile(latencies, 99), "ms", monitor);
    print("end-p50", percentile(ending, 50), "ms", monitor);
  }

  private void throughput(ProcessControl control, String monitor) throws Exception {
    var places = new Semaphore(4);
    long begun = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      places.acquire();
      var _ = begin(control, newRun(), "true").thenRun(places::release);
    }
    places.acquire(4);
    print("runs-per-second", runs * 1e9 / (System.nanoTime() - begun), "1/s", monitor);
  }

  /** Runs whose lock this process holds itself look like any that goes on. */
  private void following(
      ProcessControl control, LinuxProcessControl.Settings settings, String monitor)
      throws Exception {
    var held = new ArrayList<RunDirectory>();
    TaskSpec spec = Worlds.spec("sleep", "60");
    for (int i = 0; i < idle; i++) {
      RunRef run = newRun();
      String path = settings.runDirectory().apply(run).toString();
      held.add(RunDirectory.make(path, spec, new byte[0], new byte[0]));
      control.follow(run, attempt(control, run));
    }
    long before = processorNanos();
    Thread.sleep(Duration.ofSeconds(10));
    print("follow-cpu-of-" + idle, (processorNanos() - before) / 1e8, "% of a core", monitor);
    held.forEach(RunDirectory::close);
  }

  private static long processorNanos() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getProcessCpuTime()
        : 0;
  }

  private void runOne(ProcessControl control, String... command) throws Exception {
    var _ = begin(control, newRun(), command).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private CompletableFuture<Long> begin(ProcessControl control, RunRef run, String... command) {
    var end = new CompletableFuture<Long>();
    ends.put(run, end);
    Launch launch = control.launch(run, Worlds.cookie(run), Worlds.spec(command));
    if (!(launch instanceof Launch.Launched)) {
      throw new IllegalStateException(launch.toString());
    }
    control.follow(run, attempt(control, run));
    return end;
  }

  private static Attempt attempt(ProcessControl control, RunRef run) {
    return Worlds.attempt(run, control.host());
  }

  private RunRef newRun() {
    return Worlds.run(++lastTask);
  }

  private static double percentile(List<Double> values, int percent) {
    values.sort(Comparator.naturalOrder());
    return values.get(Math.min(values.size() - 1, values.size() * percent / 100));
  }

  private static void print(String name, double value, String unit, String monitor) {
    System.out.printf(Locale.ROOT, "%s\t%.2f\t%s\t%s%n", name, value, unit, monitor);
  }

  private static void deleteAll(Path directory) throws IOException {
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private final class Ends implements ProcessControl.Listener {
    @Override
    public void started(RunRef run, ProcessIdentity process) {}

    @Override
    public void ended(RunRef run, ProcessEvidence evidence, Map<OutputStreamName, Long> bytes) {
      CompletableFuture<Long> end = ends.remove(run);
      if (end != null) {
        end.complete(System.nanoTime());
      }
    }

    @Override
    public void quotaExceeded(RunRef run, long quotaBytes) {}

    @Override
    public void lateOutput(RunRef run, Map<OutputStreamName, Long> outputBytes) {}
  }
}
