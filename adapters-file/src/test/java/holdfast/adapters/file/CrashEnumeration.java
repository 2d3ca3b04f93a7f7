package holdfast.adapters.file;

import holdfast.adapters.file.SimulatedServer.Engine;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Chance;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;

/**
 * Runs a server on a simulated disk, crashes it before every operation in many ways, and checks
 * what the next start finds: everything acknowledged, of what was not acknowledged whole batches or
 * nothing, and nothing that yet another crash takes back.
 */
final class CrashEnumeration {
  private static final int EXHAUSTIVE_UNFORCED_MAX = 3;
  private static final int SAMPLES = 8;
  private static final List<Fate> FATES = List.of(Fate.values());

  private final Engine engine;
  private final UnaryOperator<SimulatedDisk> atRest;
  private final long seed;
  private final Random random;
  private SimulatedDisk disk = new SimulatedDisk(SimulatedServer.ROOT);
  private long states;

  /** The server broke its word. */
  static final class Violation extends AssertionError {
    private static final long serialVersionUID = 1L;

    Violation(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Ends a start in the middle. */
  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Crash() {
      super(null, null, false, false);
    }
  }

  /** One step of a history. */
  @FunctionalInterface
  interface Step {
    void run(SimulatedServer server, SimulatedDisk disk) throws IOException;
  }

  /**
   * @param atRest what happens to a disk between crash and start
   */
  CrashEnumeration(Engine engine, UnaryOperator<SimulatedDisk> atRest, long seed) {
    this.engine = engine;
    this.atRest = atRest;
    this.seed = seed;
    random = new Random(seed);
  }

  /** How many crash states were started from. */
  long states() {
    return states;
  }

  /** Runs the steps and crashes before each of their operations. */
  void run(List<Step> steps) throws IOException {
    disk = new SimulatedDisk(SimulatedServer.ROOT);
    var server = new SimulatedServer(engine, disk, new Random(seed));
    disk.onOperation(() -> crashEveryWay(server));
    server.start();
    for (Step step : steps) {
      step.run(server, disk);
    }
    crashEveryWay(server);
  }

  private void crashEveryWay(SimulatedServer server) {
    check(server, disk.afterKill(), "killed");
    check(server, disk.afterPowerCut(() -> Fate.DROPPED, random), "power cut, all dropped");
    check(server, disk.afterPowerCut(() -> Fate.KEPT, random), "power cut, all kept");
    int unforced = disk.unforced();
    if (unforced <= EXHAUSTIVE_UNFORCED_MAX) {
      int combinations = (int) Math.pow(FATES.size(), unforced);
      for (int i = 0; i < combinations; i++) {
        check(server, disk.afterPowerCut(counted(i), random), "power cut, combination " + i);
      }
    } else {
      for (int i = 0; i < SAMPLES; i++) {
        check(server, disk.afterPowerCut(this::anyFate, random), "power cut, sample " + i);
      }
    }
  }

  private Fate anyFate() {
    return anyFate(random);
  }

  static Fate anyFate(Random random) {
    return FATES.get(random.nextInt(FATES.size()));
  }

  private static Chance counted(int combination) {
    int[] rest = {combination};
    return () -> {
      Fate fate = FATES.get(rest[0] % FATES.size());
      rest[0] /= FATES.size();
      return fate;
    };
  }

  private void check(SimulatedServer server, SimulatedDisk crashed, String how) {
    SimulatedDisk found = atRest.apply(crashed);
    if (random.nextInt(4) == 0) {
      found = crashedAgain(found);
    }
    if (random.nextInt(8) == 0) {
      damageOneFile(found);
    }
    List<SequencedChange> served = start(found, server, how);
    if (!server.accepts(served)) {
      throw violation(server, how + ": " + served.size() + " records found", null);
    }
    SimulatedDisk later =
        random.nextBoolean()
            ? found.afterPowerCut(() -> Fate.DROPPED, random)
            : found.afterPowerCut(this::anyFate, random);
    List<SequencedChange> again = start(later, server, how + ", then crashed after the start");
    if (!SimulatedServer.same(served, again)) {
      throw violation(
          server, how + ": " + served.size() + " served, " + again.size() + " after a crash", null);
    }
  }

  /** The disk after a start that was itself cut short somewhere. */
  private SimulatedDisk crashedAgain(SimulatedDisk crashed) {
    SimulatedDisk starting = crashed.afterKill();
    int last = random.nextInt(40);
    starting.onOperation(
        () -> {
          if (starting.operations() == last) {
            throw new Crash();
          }
        });
    try {
      SimulatedServer.recover(engine, starting, random);
    } catch (Crash _) {
      // This is what was to happen; a start of fewer operations ends by itself, which is as well.
      states++;
    } catch (IOException | StorageException e) {
      throw new Violation("a start was refused (seed " + seed + "): " + e, e);
    }
    starting.onOperation(() -> {});
    return random.nextInt(3) == 0
        ? starting.afterKill()
        : starting.afterPowerCut(this::anyFate, random);
  }

  /** Any one file may die: its twin holds everything that was acknowledged. */
  private void damageOneFile(SimulatedDisk found) {
    List<Path> files = found.files();
    if (files.isEmpty()) {
      return;
    }
    Path file = files.get(random.nextInt(files.size()));
    switch (random.nextInt(4)) {
      case 0 -> found.lose(file);
      case 1 -> found.tamper(file, bytes -> java.util.Arrays.copyOf(bytes, bytes.length / 2));
      case 2 -> found.tamper(file, bytes -> new byte[bytes.length]);
      case 3 ->
          found.tamper(
              file,
              bytes -> {
                if (bytes.length > 0) {
                  bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                }
                return bytes;
              });
      default -> throw new AssertionError();
    }
  }

  private List<SequencedChange> start(SimulatedDisk from, SimulatedServer server, String how) {
    states++;
    try {
      return SimulatedServer.recover(engine, from, random);
    } catch (IOException | RuntimeException e) {
      throw violation(server, how + ": the start was refused: " + e, e);
    }
  }

  private Violation violation(SimulatedServer server, String what, Throwable cause) {
    return new Violation(
        what + " (" + server + ", operation " + disk.operations() + ", seed " + seed + ")", cause);
  }
}
