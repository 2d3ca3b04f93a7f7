package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.Strace.Call;
import holdfast.adapters.file.Strace.Fault;
import holdfast.adapters.file.Strace.Run;
import holdfast.domain.port.Change;
import holdfast.domain.port.TaskStorage.Opened;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The kernel refuses one system call of a real storage process: every one that the process makes to
 * a file of its data directory, with EIO and with ENOSPC. Whatever it was, what was acknowledged is
 * there after a restart, exactly, and nothing is left half done.
 *
 * <p>The process always does the same (see {@link StorageWorkload}): a first run without a fault
 * tells which calls there are.
 */
class SystemCallFaultIT {
  /** What the kernel keeps of the names of all threads that write the journal. */
  private static final String JOURNAL_THREAD = "holdfast-journa";

  private static final int BOUNDED_RUNS = 14;

  @TempDir private Path scratch;
  private int hit;
  private int stopped;
  private int wentOn;

  @BeforeEach
  void needsStrace() throws Exception {
    String missing = Strace.unusable(scratch);
    if (missing != null) {
      System.out.println("SystemCallFaultIT is skipped: " + missing);
    }
    Assumptions.assumeTrue(missing == null, missing);
  }

  private Path data() {
    return scratch.resolve("data");
  }

  private Path ledger() {
    return scratch.resolve("ledger");
  }

  @Test
  @Timeout(value = 300, unit = TimeUnit.SECONDS)
  void aFailedCallOfTheDiskLosesNothing() throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("SystemCallFaultIT seed " + seed);
    List<Fault> all = faults();
    sweep(spread(all, new Random(seed)), "seed " + seed, all.size());
  }

  @Test
  @Tag("long")
  @Timeout(value = 3, unit = TimeUnit.HOURS)
  void everyFailedCallOfTheDiskLosesNothing() throws Exception {
    List<Fault> all = faults();
    sweep(all, "all", all.size());
  }

  /** The first and the last, the journal's own in each copy, and others by chance. */
  private List<Fault> spread(List<Fault> all, Random random) {
    var chosen = new ArrayList<Fault>();
    chosen.add(all.getFirst());
    chosen.add(all.getLast());
    for (String copy : List.of("state/journal/", "state/recovery/journal/")) {
      for (String call : List.of("pwrite64", "fdatasync")) {
        List<Fault> candidates =
            all.stream()
                .filter(f -> f.call().equals(call) && isSegment(f.place()))
                .filter(f -> f.place().startsWith(data().resolve(copy).toString()))
                .toList();
        // Not the first segment, which a start may fail at without having served anybody.
        String first = candidates.getFirst().place();
        List<Fault> commits = candidates.stream().filter(f -> !f.place().equals(first)).toList();
        chosen.add(commits.get(random.nextInt(commits.size())));
      }
    }
    var others = new ArrayList<>(all);
    Collections.shuffle(others, random);
    chosen.addAll(others.subList(0, BOUNDED_RUNS - chosen.size()));
    return chosen;
  }

  private static boolean isSegment(String place) {
    return place.endsWith(".wal") && !place.endsWith("spare.wal");
  }

  /** Every call of a run without a fault, with each error that it can give. */
  private List<Fault> faults() throws Exception {
    Run run = run(null);
    assertEquals(0, run.exitCode(), run.stderr());
    Map<List<String>, Integer> counted = new HashMap<>();
    var faults = new LinkedHashSet<Fault>();
    for (Call call : run.calls()) {
      List<String> places =
          call.places().stream()
              .filter(place -> place.startsWith(data().toString()))
              .distinct()
              .toList();
      if (call.name().equals("write") || places.isEmpty()) {
        continue;
      }
      for (String place : places) {
        counted.merge(List.of(call.pid(), call.name(), place), 1, Integer::sum);
      }
      String place = places.getFirst();
      int occurrence = counted.getOrDefault(List.of(call.pid(), call.name(), place), 0);
      faults.add(new Fault(call.name(), place, occurrence, "EIO"));
      if (takesRoom(call)) {
        faults.add(new Fault(call.name(), place, occurrence, "ENOSPC"));
      }
    }
    return List.copyOf(faults);
  }

  private static boolean takesRoom(Call call) {
    return !call.name().equals("pread64")
        && (!call.name().equals("openat") || call.text().contains("O_CREAT"));
  }

  private void sweep(List<Fault> faults, String which, int all) throws Exception {
    var failures = new ArrayList<String>();
    for (Fault fault : faults) {
      try {
        check(fault);
      } catch (AssertionError | RuntimeException e) {
        failures.add(
            fault
                + ": "
                + e
                + " "
                + (e.getStackTrace().length > 0
                    ? e.getStackTrace()[e.getStackTrace().length > 6 ? 5 : 0]
                    : ""));
      }
    }
    System.out.println(
        "SystemCallFaultIT "
            + faults.size()
            + " of "
            + all
            + " faults: "
            + hit
            + " met their call, "
            + stopped
            + " ended the process, "
            + wentOn
            + " did not");
    assertEquals(List.of(), failures, which);
    // Which thread makes a spare segment is a matter of time, so not every call is met again.
    assertTrue(hit * 10 >= faults.size() * 7, hit + " of " + faults.size() + " met their call");
  }

  /** Some history, and a process on it. */
  private Run run(@org.jspecify.annotations.Nullable Fault fault) throws Exception {
    deleteTree(data());
    FileStorage files = FileStorage.open(StorageWorkload.settings(data(), SystemCallFaultIT::fail));
    var workload = new StorageWorkload(files, _ -> {});
    workload.open();
    assertTrue(workload.commit(0, StorageWorkload.BEFORE - 1));
    workload.upkeep(0);
    assertTrue(workload.commit(StorageWorkload.BEFORE - 1, StorageWorkload.BEFORE));
    files.abandon();
    return Strace.run(process(), ledger(), fault, scratch.resolve("strace.log"));
  }

  private List<String> process() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xshare:auto",
        "-cp",
        System.getProperty("java.class.path"),
        StorageWorkload.class.getName(),
        data().toString());
  }

  private static void fail(Throwable failure) {
    throw new AssertionError(failure);
  }

  private static void deleteTree(Path tree) throws IOException {
    if (Files.exists(tree)) {
      try (Stream<Path> walk = Files.walk(tree)) {
        for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private void check(Fault fault) throws Exception {
    Run run = run(fault);
    List<String> told = Files.readAllLines(ledger());
    List<Call> failed = run.calls().stream().filter(Call::failed).toList();
    String what = failed.stream().map(Call::text).toList() + "\n" + told + "\n" + run.stderr();
    if (failed.isEmpty()) {
      System.out.println("not met again: " + fault);
      assertEquals(0, run.exitCode(), what);
    } else {
      hit++;
      if (run.exitCode() == 0) {
        wentOn++;
      } else {
        stopped++;
      }
      // Calls are counted in each thread: another one may have met the same fault.
      Call judged =
          failed.stream()
              .filter(call -> call.thread().equals(JOURNAL_THREAD))
              .findFirst()
              .orElse(failed.getFirst());
      checkProcess(run, told, judged, what);
    }
    checkDisk(run, told, what);
  }

  private void checkProcess(Run run, List<String> told, Call failed, String what) {
    int at = run.calls().indexOf(failed);
    boolean served = acknowledgements(run, "serving", 0, at) > 0;
    int acknowledgedAfter = acknowledgements(run, "acknowledged", at, run.calls().size());
    boolean eio = failed.text().contains("EIO");
    if (!served && eio && isJournalWrite(failed)) {
      assertTrue(run.exitCode() == 70 && has(told, "refused: "), "served all the same; " + what);
    } else if (!served) {
      // A start that fails says so and serves nobody, or it is none the worse for it.
      boolean refused = List.of(70, 73).contains(run.exitCode()) && has(told, "refused: ");
      assertTrue(refused || run.exitCode() == 0 || has(told, "fatal: "), what);
    } else if (isCommit(failed) && eio) {
      assertEquals(70, run.exitCode(), what);
      assertEquals(0, acknowledgedAfter, "acknowledged after the failure; " + what);
    } else if (isCommit(failed)) {
      assertTrue(run.exitCode() == 0 || acknowledgedAfter == 0, what);
    } else if (failed.thread().equals(JOURNAL_THREAD)) {
      // What is made ready ahead of time fails the commit that needs it, and none before that.
      assertTrue(run.exitCode() == 0 || has(told, "fatal: "), what);
    } else {
      assertEquals(0, run.exitCode(), "ended by what is no commit; " + what);
    }
    assertTrue(List.of(0, 70, 73).contains(run.exitCode()), run.exitCode() + " " + what);
  }

  private static boolean isJournalWrite(Call call) {
    return List.of("pwrite64", "fdatasync").contains(call.name())
        && call.places().stream().anyMatch(SystemCallFaultIT::isSegment);
  }

  /** Whether a commit was waiting for the call. */
  private static boolean isCommit(Call call) {
    return call.thread().equals(JOURNAL_THREAD)
        && call.places().stream().anyMatch(SystemCallFaultIT::isSegment);
  }

  private int acknowledgements(Run run, String line, int from, int to) {
    int count = 0;
    for (Call call : run.calls().subList(from, to)) {
      boolean toLedger = call.name().equals("write") && call.places().contains(ledger().toString());
      if (toLedger && call.text().contains("\"" + line)) {
        count++;
      }
    }
    return count;
  }

  private static boolean has(List<String> told, String prefix) {
    return told.stream().anyMatch(line -> line.startsWith(prefix));
  }

  /**
   * A restart serves everything acknowledged, whole changes only, and mends what is to be mended.
   */
  private void checkDisk(Run run, List<String> told, String what) {
    int acknowledged =
        StorageWorkload.BEFORE
            + (int) told.stream().filter(line -> line.startsWith("acknowledged ")).count();
    List<Change> changes = StorageWorkload.changes();
    if (run.exitCode() == 0) {
      assertEquals(changes.size(), acknowledged, what);
    }
    try (FileStorage files =
        FileStorage.open(StorageWorkload.settings(data(), SystemCallFaultIT::fail))) {
      Opened opened = files.taskStorage().open(_ -> {});
      int there = (int) opened.seq();
      assertTrue(acknowledged <= there && there <= acknowledged + 1, there + " " + what);
      var expected = new Model();
      changes.subList(0, there).forEach(expected::apply);
      var found = new Model();
      found.load(StorageWorkload.image(opened));
      assertEquals(expected.image(), found.image(), what);
    }
    var lines = new ArrayList<String>();
    try (FileStorage files =
        FileStorage.open(StorageWorkload.settings(data(), SystemCallFaultIT::fail))) {
      var workload = new StorageWorkload(files, lines::add);
      workload.open();
      workload.upkeep(3);
    }
    var result = OfflineVerification.run(StorageWorkload.settings(data(), SystemCallFaultIT::fail));
    assertNotNull(result);
    assertEquals(List.of(), result.findings(), what + lines);
  }
}
