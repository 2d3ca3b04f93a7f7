package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.Disk.Access;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.domain.port.AuditTrail.Entry;
import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.AuditTrail.Verdict;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLog.Category;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Kills and power cuts while changes are committed and the audit trail is written, rotated,
 * compressed, removed for its age and vouched for: whatever the moment, the trail that the next
 * start goes on with verifies, every acknowledged change has its one entry, and nothing is gone
 * that a manifest, a snapshot or {@code force} said was there.
 */
class AuditPowerCutTest {
  private static final Path AUDIT = WholeServer.LAYOUT.logs().resolve(Category.AUDIT.label());
  private static final int STEPS = 40;

  /** Of the operations of a random history, one in so many is where it is crashed. */
  private static final int CRASHED_ONE_IN = 6;

  /** Batches that fill a segment of the journal, and more. */
  private static final int BATCHES = 10;

  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());

  /** Decides what is done; how it is crashed is decided by {@link #chance}. */
  private final Random random = new Random(seed);

  /** Is asked with the disk locked, by whichever thread works. */
  private final Random chance = new Random(~seed);

  private long states;
  private volatile boolean failing;

  /** The first promise that was broken, on whichever thread that was found. */
  private volatile @Nullable AssertionError broken;

  @Test
  void noCrashTakesAnEntryThatWasPromisedOrLeavesAChangeWithoutOne() throws IOException {
    run(400);
  }

  @Test
  @Tag("long")
  void noCrashOfVeryManyTakesAnEntryThatWasPromised() throws IOException {
    run(200_000);
  }

  private void run(long statesMin) throws IOException {
    System.out.println("AuditPowerCutTest seed " + seed);
    while (states < statesMin) {
      history(UnaryOperator.identity());
    }
    System.out.println("AuditPowerCutTest " + states + " crash states");
    assertTrue(states >= statesMin);
  }

  /** Whatever was not forced is gone, or all of it is there, or any part. */
  @Test
  void everyStepOfAShortHistoryIsCut() throws IOException {
    System.out.println("AuditPowerCutTest seed " + seed);
    var ledger = new AuditLedger();
    var steps = new WholeServerSteps(random);
    var disk = new SimulatedDisk(WholeServer.ROOT);
    watch(
        disk,
        at -> {
          check(at.afterKill(), ledger.copy());
          check(at.afterPowerCut(() -> Fate.DROPPED, chance), ledger.copy());
          check(cut(at), ledger.copy());
        });
    AuditedServer server = AuditedServer.on(new LockedDisk(disk), random, ledger);
    for (int i = 0; i < 2; i++) {
      server.commit(steps.changes(server.whole().model(), 2));
      server.append("refused");
      server.flush();
      server.commit(steps.changes(server.whole().model(), 1));
      server.force();
    }
    server.whole().snapshot();
    server.compress();
    server.commit(steps.changes(server.whole().model(), 1));
    server.restore(server.whole().snapshotIds().getFirst());
    server.end();
    AuditedServer.on(new LockedDisk(disk), random, ledger).abandon();
    throwIfBroken();
    System.out.println("AuditPowerCutTest " + states + " crash states");
    assertTrue(states > 300, states + " states");
  }

  /**
   * The last batch of a segment that is full is nowhere but in the next term's first segment, if
   * the server was killed before it was forced, and the power was cut after the next start.
   */
  @Test
  void whatOnlyTheNextTermHasIsVerifiedOffline() throws IOException {
    System.out.println("AuditPowerCutTest seed " + seed);
    var ledger = new AuditLedger();
    var steps = new WholeServerSteps(random);
    var disk = new SimulatedDisk(WholeServer.ROOT);
    AuditedServer server = AuditedServer.on(new LockedDisk(disk), random, ledger);
    watch(
        disk,
        at -> {
          AuditLedger then = ledger.copy();
          SimulatedDisk served = check(at.afterKill(), then);
          checkOffline(served.afterPowerCut(() -> Fate.DROPPED, chance), then);
        });
    for (int i = 0; i < BATCHES; i++) {
      server.commit(steps.changes(server.whole().model(), 1));
    }
    server.abandon();
    throwIfBroken();
    assertTrue(states >= BATCHES, states + " states");
  }

  /** What a force that failed has left, a later one that succeeds has not made durable. */
  @Test
  void noEntryIsVouchedForThatAFailedForceHasDropped() throws IOException {
    System.out.println("AuditPowerCutTest seed " + seed);
    while (states < 300) {
      history(UnaryOperator.identity(), true);
    }
    System.out.println("AuditPowerCutTest " + states + " crash states");
    assertTrue(states >= 300);
  }

  private void assertCaught(UnaryOperator<Disk> mutant) {
    assertThrows(
        AssertionError.class,
        () -> {
          while (states < 3_000) {
            history(mutant);
          }
        },
        () -> "seed " + seed);
  }

  @Test
  void anAnchorOfWhatIsNotForcedIsCaught() {
    assertCaught(disk -> new WithoutForceOf(disk, AUDIT, Set.of(Access.READ)));
  }

  @Test
  void rotationOfWhatIsNotForcedIsCaught() {
    assertCaught(disk -> new WithoutForceOf(disk, AUDIT, Set.of(Access.WRITE, Access.CREATE)));
  }

  @Test
  void namesThatAreNotForcedAreCaught() {
    assertCaught(
        disk ->
            new ForwardingDisk(disk) {
              @Override
              public void forceDirectory(Path directory) throws IOException {
                if (!directory.equals(AUDIT)) {
                  super.forceDirectory(directory);
                }
              }
            });
  }

  private void history(UnaryOperator<Disk> engine) throws IOException {
    history(engine, false);
  }

  /**
   * @param fails whether forces fail now and then, except while it starts or ends
   */
  private void history(UnaryOperator<Disk> engine, boolean fails) throws IOException {
    var ledger = new AuditLedger();
    var steps = new WholeServerSteps(random);
    var disk = new SimulatedDisk(WholeServer.ROOT);
    watch(disk, at -> crashSometimes(at, ledger));
    var server = AuditedServer.on(engine.apply(new LockedDisk(failing(disk))), random, ledger);
    for (int i = 0; i < STEPS && broken == null; i++) {
      failing = fails;
      step(server, steps);
      failing = false;
      int restart = random.nextInt(20);
      if (restart == 0) {
        server.end();
        server = AuditedServer.on(engine.apply(new LockedDisk(failing(disk))), random, ledger);
      } else if (restart == 1) {
        SimulatedDisk killed = disk.afterKill();
        disk.onOperation(() -> {});
        server.abandon();
        disk = killed;
        watch(disk, at -> crashSometimes(at, ledger));
        server = AuditedServer.on(engine.apply(new LockedDisk(failing(disk))), random, ledger);
      }
    }
    disk.onOperation(() -> {});
    server.abandon();
    throwIfBroken();
  }

  private Disk failing(SimulatedDisk disk) {
    return new WithFailingForces(disk, AUDIT, () -> failing && chance.nextInt(3) == 0);
  }

  private void throwIfBroken() {
    if (broken != null) {
      throw broken;
    }
  }

  /** The log's thread must not end by what is found on it. */
  private void watch(SimulatedDisk disk, Consumer<SimulatedDisk> watching) {
    disk.onOperation(
        () -> {
          if (broken == null) {
            try {
              watching.accept(disk);
            } catch (AssertionError violation) {
              broken = violation;
            }
          }
        });
  }

  private void crashSometimes(SimulatedDisk disk, AuditLedger ledger) {
    if (chance.nextInt(CRASHED_ONE_IN) == 0) {
      crash(disk, ledger);
    }
  }

  private void step(AuditedServer server, WholeServerSteps steps) throws IOException {
    WholeServer whole = server.whole();
    List<String> snapshots = whole.snapshotIds();
    switch (random.nextInt(14)) {
      case 0 -> whole.seal();
      case 1 -> whole.sync();
      case 2 -> whole.snapshot();
      case 3 -> server.flush();
      case 4, 5 -> server.force();
      case 6 -> server.compress();
      case 7 -> {
        if (server.force()) {
          failing = false;
          checkVerdict(server.verify(), "while it serves");
        }
      }
      case 8, 9 -> server.append("refused");
      case 10 -> {
        if (!snapshots.isEmpty() && random.nextInt(3) == 0) {
          server.restore(snapshots.get(random.nextInt(snapshots.size())));
        }
      }
      default -> server.commit(steps.changes(whole.model(), 1 + random.nextInt(3)));
    }
  }

  private void crash(SimulatedDisk disk, AuditLedger ledger) {
    SimulatedDisk found =
        switch (chance.nextInt(4)) {
          case 0 -> disk.afterKill();
          case 1 -> disk.afterPowerCut(() -> Fate.DROPPED, chance);
          default -> cut(disk);
        };
    if (chance.nextInt(4) == 0) {
      found = cut(whileStarting(found, ledger));
    }
    AuditLedger then = ledger.copy();
    SimulatedDisk served = check(found, then);
    // What that start has promised, another crash must not take either.
    check(cut(served), then);
  }

  private SimulatedDisk cut(SimulatedDisk disk) {
    return disk.afterPowerCut(() -> CrashEnumeration.anyFate(chance), chance);
  }

  /** The disk in the middle of a start. */
  private SimulatedDisk whileStarting(SimulatedDisk found, AuditLedger ledger) {
    SimulatedDisk starting = found.afterKill();
    SimulatedDisk[] middle = {null};
    int last = chance.nextInt(60);
    starting.onOperation(
        () -> {
          if (starting.operations() == last) {
            middle[0] = starting.afterKill();
          }
        });
    try {
      states++;
      AuditedServer.on(new LockedDisk(starting), chance, ledger.copy()).abandon();
    } catch (IOException | RuntimeException e) {
      throw violation("a start was refused: " + e, ledger, e);
    }
    return middle[0] == null ? starting : middle[0];
  }

  /** Starts and looks; the disk as it is then. */
  private SimulatedDisk check(SimulatedDisk found, AuditLedger ledger) {
    states++;
    try {
      if (chance.nextBoolean()) {
        checkOffline(found, ledger);
      }
      var server = AuditedServer.on(new LockedDisk(found), chance, ledger);
      check(server, ledger);
      SimulatedDisk served = found.afterKill();
      server.abandon();
      return served;
    } catch (IOException | RuntimeException e) {
      throw violation("the start failed: " + e, ledger, e);
    }
  }

  /** What is told before any start is no alarm either. */
  private void checkOffline(SimulatedDisk found, AuditLedger ledger) {
    try {
      Verdict verdict = AuditedServer.verifyOffline(new LockedDisk(found.afterKill()), chance);
      if (verdict.broken() != null) {
        throw violation("before the start: " + verdict, ledger, null);
      }
    } catch (IOException | RuntimeException e) {
      throw violation("before the start: " + e, ledger, e);
    }
  }

  private void check(AuditedServer server, AuditLedger ledger) {
    checkVerdict(server.verify(), String.valueOf(ledger));
    List<EventLog.Entry> entries = server.entries();
    Head base = server.base();
    var hashes = new HashMap<Long, Object>();
    entries.forEach(
        entry -> hashes.put((long) entry.data().get("index"), entry.data().get("hash")));
    checkThere(ledger.promised(), "force said", base, hashes, ledger);
    AuditAnchor anchor = server.foundAnchor();
    checkThere(anchor == null ? Head.NONE : anchor.head(), "an anchor", base, hashes, ledger);
    Set<Object> marks = new HashSet<>();
    for (EventLog.Entry entry : entries) {
      Object mark = entry.data().get("target");
      if (String.valueOf(mark).startsWith("mark-") && !marks.add(mark)) {
        throw violation(mark + " is there twice", ledger, null);
      }
    }
    List<Committed> changes = ledger.changes(server.whole().model().seq());
    List<String> found =
        entries.stream()
            .filter(entry -> entry.data().containsKey("seq") && Entry.isChange(entry.type()))
            .map(AuditPowerCutTest::told)
            .toList();
    // What is older than the base may be gone already, or not yet.
    long wanted = changes.stream().filter(change -> change.seq() > base.seq()).count();
    List<String> expected =
        changes.stream()
            .skip(Math.max(0, changes.size() - Math.max(wanted, found.size())))
            .map(AuditPowerCutTest::told)
            .toList();
    if (!expected.equals(found)) {
      throw violation("changes " + found + " have entries, expected " + expected, ledger, null);
    }
    server.force();
  }

  private static String told(Committed committed) {
    return committed.seq() + " " + committed.change().key().id() + " admin";
  }

  private static String told(EventLog.Entry entry) {
    Map<String, Object> data = entry.data();
    return data.get("seq") + " " + data.get("target") + " " + data.get("actor");
  }

  private void checkThere(
      Head head, String who, Head base, Map<Long, Object> hashes, AuditLedger ledger) {
    if (head.index() > base.index() && !head.hash().equals(hashes.get(head.index()))) {
      throw violation(who + " that " + head + " is there, and it is not", ledger, null);
    }
  }

  private void checkVerdict(Verdict verdict, String when) {
    if (verdict.broken() != null || verdict.pending() > 0) {
      throw new AssertionError(verdict + " (" + when + ", seed " + seed + ")");
    }
  }

  private AssertionError violation(String what, AuditLedger ledger, Throwable cause) {
    return new AssertionError(what + " (" + ledger + ", seed " + seed + ")", cause);
  }
}
