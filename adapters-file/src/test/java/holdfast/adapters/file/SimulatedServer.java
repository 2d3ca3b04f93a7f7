package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.journal.JournalCopy;
import holdfast.adapters.file.journal.JournalSink;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.journal.TestJournals;
import holdfast.adapters.file.json.EncodedChange;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/** A server's use of {@link History} on a simulated disk, and what it may rely on. */
final class SimulatedServer {
  private static final Bases NOWHERE = new JournalAlone(new JournalSink(_ -> {}, () -> {}));

  static final Path ROOT = Path.of("/d");
  static final Layout LAYOUT =
      new Layout(ROOT, ROOT.resolve("state"), Layout.defaultMirror(ROOT.resolve("state")));
  static final int SEGMENT_BYTES = 32 << 10;

  /**
   * What is run: the real thing, or a mutant of it.
   *
   * @param copies how many copies of the journal are kept
   * @param takeover whether a start makes the last batch durable before it serves
   * @param disk stands between the server and the disk
   */
  record Engine(
      int copies, boolean takeover, TestJournals.Forces forces, UnaryOperator<Disk> disk) {
    static final Engine SOUND =
        new Engine(2, true, TestJournals.Forces.SOUND, UnaryOperator.identity());
  }

  private final Engine engine;
  private final RandomGenerator random;
  private final List<SequencedChange> acknowledged = new ArrayList<>();
  private List<SequencedChange> inFlight = List.of();
  private History history;

  SimulatedServer(Engine engine, SimulatedDisk disk, RandomGenerator random) throws IOException {
    this.engine = engine;
    this.random = random;
    history = history(engine, disk, random);
  }

  private static History history(Engine engine, SimulatedDisk disk, RandomGenerator random)
      throws IOException {
    Disk seen = engine.disk.apply(disk);
    LAYOUT.prepare(seen);
    var quarantine =
        new Quarantine(
            seen, LAYOUT.quarantine(), InstantSource.fixed(SampleTasks.NOON), Long.MAX_VALUE);
    List<JournalCopy> copies =
        Parts.copies(seen, LAYOUT, quarantine, quarantine).subList(0, engine.copies);
    return new History(
        seen,
        LAYOUT,
        TestJournals.journal(copies, SEGMENT_BYTES, engine.forces, random),
        () -> new UUID(7, 7),
        quarantine,
        History.Rules.STRICT);
  }

  /** Starts a server and returns what it then serves. */
  static List<SequencedChange> recover(Engine engine, SimulatedDisk disk, RandomGenerator random)
      throws IOException {
    return recover(engine, disk, random, new ArrayList<>());
  }

  /**
   * The same.
   *
   * @param healed takes what was rebuilt
   */
  static List<SequencedChange> recover(
      Engine engine, SimulatedDisk disk, RandomGenerator random, List<String> healed)
      throws IOException {
    var found = new ArrayList<SequencedChange>();
    var keep = new JournalSink(change -> found.add(copied(change)), () -> {});
    History history = history(engine, disk, random);
    if (engine.takeover) {
      healed.addAll(history.start(new JournalAlone(keep)).healed());
    } else {
      history.recover(new JournalAlone(keep));
    }
    return found;
  }

  /** The bytes behind a replayed change are soon those of another. */
  private static SequencedChange copied(SequencedChange change) {
    EncodedChange one = change.change();
    return new SequencedChange(
        change.seq(),
        change.previousSeq(),
        new EncodedChange(
            one.key(),
            one.removal(),
            one.revisionBefore(),
            one.payload(),
            0,
            one.eventBytes(),
            one.imageBytes(),
            one.idempotencyBytes()));
  }

  void start() throws IOException {
    history.start(NOWHERE);
  }

  /** Ends in order and starts again on the same disk. */
  void restart(SimulatedDisk disk) throws IOException {
    history.end();
    history.close();
    history = history(engine, disk, random);
    history.start(NOWHERE);
  }

  /** Appends a batch of some records of some size. */
  void append(int records, int bytesMax) throws IOException {
    var batch = new ArrayList<SequencedChange>();
    for (int i = 0; i < records; i++) {
      byte[] payload = new byte[1 + random.nextInt(bytesMax)];
      random.nextBytes(payload);
      var key = EntityKey.of(SampleTasks.id(random.nextInt(5)));
      batch.add(
          new SequencedChange(
              acknowledged.size() + 1L + i,
              0,
              new EncodedChange(key, false, 0, payload, 0, 0, 0, payload.length)));
    }
    inFlight = batch;
    history.append(batch);
    acknowledged.addAll(batch);
    inFlight = List.of();
  }

  void seal() throws IOException {
    history.seal();
  }

  List<SequencedChange> acknowledged() {
    return acknowledged;
  }

  /** Whether {@code found} is all that was acknowledged, and of the rest whole units or nothing. */
  boolean accepts(List<SequencedChange> found) {
    int extra = found.size() - acknowledged.size();
    if (extra != 0 && extra != inFlight.size()) {
      return false;
    }
    for (int i = 0; i < found.size(); i++) {
      SequencedChange expected =
          i < acknowledged.size() ? acknowledged.get(i) : inFlight.get(i - acknowledged.size());
      if (!same(expected, found.get(i))) {
        return false;
      }
    }
    return true;
  }

  static boolean same(SequencedChange a, SequencedChange b) {
    return a.seq() == b.seq()
        && a.previousSeq() == b.previousSeq()
        && a.change().key().equals(b.change().key())
        && Arrays.equals(
            a.change().bytes(),
            a.change().offset(),
            a.change().offset() + a.change().length(),
            b.change().bytes(),
            b.change().offset(),
            b.change().offset() + b.change().length());
  }

  static boolean same(List<SequencedChange> a, List<SequencedChange> b) {
    boolean same = a.size() == b.size();
    for (int i = 0; same && i < a.size(); i++) {
      same = same(a.get(i), b.get(i));
    }
    return same;
  }

  /** What was acknowledged and what was under way, for messages. */
  @Override
  public String toString() {
    return acknowledged.size() + " acknowledged, " + inFlight.size() + " in flight";
  }
}
