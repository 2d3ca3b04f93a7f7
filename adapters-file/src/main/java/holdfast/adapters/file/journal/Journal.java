package holdfast.adapters.file.journal;

import holdfast.adapters.file.journal.SegmentChain.Link;
import holdfast.adapters.file.json.EncodedChange;
import holdfast.domain.port.Scrubbing.Mended;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The write-ahead journal in its copies: {@link #examine}, {@link #recover}, {@link #begin}, then
 * {@link #append}.
 *
 * <p>One thread recovers and appends; any thread reads with {@link #find} and calls {@link
 * #prepareSpare}, {@link #retire} and {@link #scrub}. After an exception from {@link #begin},
 * {@link #append} or {@link #seal} nothing more may be appended.
 */
public final class Journal implements AutoCloseable {
  private final List<JournalCopy> copies;
  private final int segmentBytes;
  private final Forcing forcing;
  private final LongSupplier nonces;
  private final SpareSegments spares;
  private final Ballast ballast;
  private final BatchIndex index = new BatchIndex();
  private final JournalLookup lookup;
  private @Nullable SegmentChain chain;
  private @Nullable JournalReplay replaying;
  private JournalReplay.@Nullable Result found;
  private volatile @Nullable JournalWriter writer;
  private volatile @Nullable JournalScrub scrub;

  /**
   * What is known from elsewhere to have been durable.
   *
   * @param term a segment of this term or a later one must exist; 0 knows of none
   * @param seq this seq must be readable; 0 knows of none
   */
  public record Proof(long term, long seq) {}

  /**
   * How far back the segments go.
   *
   * @param lineage null if there is no segment that counts
   * @param firstSeq the first that can be read; a base must hold everything before it
   * @param base what the epoch began with, if its beginning is still here
   */
  public record Extent(
      @Nullable UUID lineage, long epoch, long firstSeq, @Nullable EpochBase base) {

    public boolean isEmpty() {
      return lineage == null;
    }
  }

  /**
   * What was found.
   *
   * @param lineage null if there is no history
   * @param nextSeq the seq that follows the last one
   * @param records that were read on top of the base
   * @param lost what was given up since loss was accepted, or null
   * @param mended what was damaged; what {@link #heal} and {@link #begin} do is added
   */
  public record Recovered(
      @Nullable UUID lineage,
      long epoch,
      long nextSeq,
      long records,
      boolean tornTail,
      @Nullable String lost,
      List<Mended> mended) {

    /** The same, with something else given up. */
    public Recovered losing(String what) {
      return new Recovered(lineage, epoch, nextSeq, records, tornTail, what, mended);
    }
  }

  /** A journal on one or two copies, forced in parallel, with nonces that never repeat. */
  public Journal(List<JournalCopy> copies, int segmentBytes) {
    this(copies, segmentBytes, new ParallelForcing(), new SecureRandom()::nextLong);
  }

  Journal(List<JournalCopy> copies, int segmentBytes, Forcing forcing, LongSupplier nonces) {
    this.copies = List.copyOf(copies);
    this.segmentBytes = segmentBytes;
    this.forcing = forcing;
    this.nonces = nonces;
    ballast = new Ballast(this.copies, segmentBytes);
    spares = new SpareSegments(this.copies, segmentBytes, ballast);
    lookup = new JournalLookup(this.copies, index);
  }

  /** The largest record that a journal of such segments takes, in bytes. */
  public static int recordBytesMax(int segmentBytes) {
    return JournalWriter.recordBytesMax(segmentBytes);
  }

  /** Bytes that a change occupies in a batch. */
  public static int recordBytes(EncodedChange change) {
    return RecordCodec.length(change);
  }

  /** The highest term that any segment's name bears, in any copy; 0 if there is none. */
  public long highestTerm() throws IOException {
    long highest = 0;
    for (int copy = 0; copy < copies.size(); copy++) {
      highest = Math.max(highest, highestTerm(copy));
    }
    return highest;
  }

  /** The same for one copy alone. */
  public long highestTerm(int copy) throws IOException {
    long highest = 0;
    for (SegmentName name : copies.get(copy).segments()) {
      highest = Math.max(highest, name.term());
    }
    return highest;
  }

  /**
   * Finds the segments that make up history, by their first batches.
   *
   * @param lineage whose history is expected; null takes what is there
   * @throws LostHistoryException if nothing tells which of two segments is history
   */
  public Extent examine(@Nullable UUID lineage) throws IOException {
    SegmentChain all = SegmentChain.find(copies, lineage);
    chain = all;
    if (all.links().isEmpty()) {
      return new Extent(null, 1, 1, null);
    }
    Batch tip = all.links().getLast().opening();
    return new Extent(tip.lineage(), tip.epoch(), all.firstSeq(), all.base());
  }

  /**
   * Reads history behind a base. Changes nothing.
   *
   * @param base the seq of the state that was loaded from elsewhere; 0 without one
   * @param acceptLoss whether to go on with what can be read where something cannot
   * @param sink takes every change behind the base, in order of seq, before this returns
   * @throws LostHistoryException if history cannot be read, or ends before the proof
   */
  public Recovered recover(long base, Proof proof, boolean acceptLoss, JournalSink sink)
      throws IOException {
    SegmentChain all = chain;
    if (all == null) {
      throw new IllegalStateException("examine first");
    }
    var terms = new JournalReplay.Terms(base, acceptLoss);
    var replay = new JournalReplay(copies, index, terms, sink);
    JournalReplay.Result result = replay.run(all);
    String lost = result.lost();
    try {
      check(proof, result);
    } catch (LostHistoryException e) {
      if (!acceptLoss) {
        throw e;
      }
      lost = lost == null ? String.valueOf(e.getMessage()) : lost;
    }
    replaying = replay;
    found = result;
    return new Recovered(
        result.lineage(),
        result.epoch(),
        result.nextSeq(),
        result.records(),
        result.tornTail(),
        lost,
        result.mended());
  }

  /** Mends the copies from each other; what was done is in the lists of {@link Recovered}. */
  public void heal() throws IOException {
    JournalReplay replay = replaying;
    if (replay != null) {
      replay.heal();
      replaying = null;
    }
  }

  private void check(Proof proof, JournalReplay.Result result) {
    List<Link> links = result.chain().links();
    long term = links.isEmpty() ? 0 : links.getLast().name().term();
    long seq = result.nextSeq() - 1;
    if (term < proof.term() || seq < proof.seq()) {
      throw new LostHistoryException(
          "the journal in "
              + String.join(" and ", copies.stream().map(c -> c.directory().toString()).toList())
              + " ends at seq "
              + seq
              + " of term "
              + term
              + ", but a manifest or a snapshot proves that seq "
              + proof.seq()
              + " and a segment of term "
              + proof.term()
              + " were durable. Put the missing segments back from a backup"
              + unreadable(result.chain(), seq)
              + "; nothing was changed");
    }
  }

  /** Files that bear the names of segments behind {@code seq} and are no part of history. */
  private String unreadable(SegmentChain all, long seq) {
    List<String> places =
        all.orphans().stream()
            .filter(name -> name.firstSeq() > seq)
            .map(name -> SegmentChain.places(copies, name))
            .toList();
    return places.isEmpty()
        ? ""
        : "; these bear the names of later segments, but are no part of history: "
            + String.join(", ", places);
  }

  /**
   * Begins a term: when this returns, everything recovered is durable in every copy, and whatever
   * else stands in the directories is outside history and cleared away.
   *
   * @param floor segments wholly up to this seq were retired: what is left of them is removed
   */
  public void begin(Identity identity, long floor) throws IOException {
    JournalReplay.Result start = recovered();
    JournalWriter writing = writer(identity, start);
    writing.takeOver(start.tail());
    writer = writing;
    clearAway(start, floor);
    found = null;
  }

  /**
   * Begins a term and an epoch: the state of {@code base} is in force from the moment that its
   * batch is durable in every copy, and all segments before it are put aside.
   */
  public void beginEpoch(Identity identity, EpochBase base) throws IOException {
    JournalReplay.Result start = recovered();
    JournalWriter writing = writer(identity, start);
    writing.beginEpoch(base);
    writer = writing;
    var unused = new ArrayList<>(start.chain().orphans());
    start.chain().links().forEach(link -> unused.add(link.name()));
    removeAll(unused, 0, start.mended());
    unused.forEach(index::forget);
    found = null;
  }

  /**
   * Begins an epoch in the term that is under way: the state of {@code base} is in force from the
   * moment that its batch is durable in every copy. A spare segment must be ready. What was before
   * counts no more, and is cleared away by {@link #clearFormerEpochs}.
   */
  public void nextEpoch(Identity identity, EpochBase base) throws IOException {
    writing().nextEpoch(identity, base);
  }

  /**
   * Puts aside all segments before the present epoch, once it is known elsewhere too.
   *
   * @return what was put aside
   */
  public List<Mended> clearFormerEpochs() throws IOException {
    SegmentName present = writing().tip().segment();
    var former = new TreeSet<SegmentName>();
    for (JournalCopy copy : copies) {
      former.addAll(copy.segments());
    }
    former.remove(present);
    var mended = new ArrayList<Mended>();
    former.forEach(index::forget);
    removeAll(List.copyOf(former), 0, mended);
    return mended;
  }

  private JournalReplay.Result recovered() {
    JournalReplay.Result start = found;
    if (start == null) {
      throw new IllegalStateException("recover first");
    }
    return start;
  }

  private JournalWriter writer(Identity identity, JournalReplay.Result start) {
    return new JournalWriter(
        spares,
        forcing,
        nonces,
        new JournalWriter.Start(start.tailDigest(), start.nextSeq()),
        identity,
        segmentBytes);
  }

  private void clearAway(JournalReplay.Result start, long floor) throws IOException {
    Opening tail = start.tail();
    var unused = new ArrayList<>(start.chain().orphans());
    for (Link link : start.chain().links()) {
      boolean passedOver = link.isTip() && !link.name().equals(tail.predecessor());
      if (passedOver) {
        unused.add(link.name());
      } else {
        for (JournalCopy copy : copies) {
          copy.cut(
              link.name(),
              link.isTip() || link.name().equals(tail.predecessor()) ? tail.end() : link.end());
        }
      }
    }
    // A segment whose successor begins at or below the floor was retired by a start that was cut
    // short while it removed the files.
    long retired = Math.min(floor + 1, start.chain().firstSeq());
    removeAll(unused, retired, start.mended());
  }

  private void removeAll(List<SegmentName> names, long retired, List<Mended> mended)
      throws IOException {
    for (SegmentName name : names) {
      for (JournalCopy copy : copies) {
        if (name.firstSeq() < retired) {
          copy.delete(name);
        } else {
          remove(copy, name, mended);
        }
      }
    }
    if (!names.isEmpty()) {
      for (JournalCopy copy : copies) {
        copy.forceDirectory();
      }
    }
  }

  /** Removes a segment outside history, or puts it aside if anything was ever committed to it. */
  private static void remove(JournalCopy copy, SegmentName name, List<Mended> mended)
      throws IOException {
    ByteBuffer content = copy.load(name);
    if (content == null) {
      return;
    }
    if (SegmentReader.holdsRecords(content)) {
      String why = "is no part of history: a later term or epoch went on without it";
      Path aside = copy.putAside(name, why);
      mended.add(
          new Mended(
              copy.path(name).toString(), why, null, aside == null ? null : aside.toString()));
    } else {
      copy.delete(name);
    }
  }

  /** Writes the changes as one batch; durable in every copy when this returns. */
  public void append(List<SequencedChange> changes) throws IOException {
    BatchIndex.Place place = writing().append(changes);
    index.add(changes.getFirst().seq(), place.segment(), place.offset());
  }

  /**
   * Makes sure that a batch with so many bytes of records finds room, by making a spare segment if
   * it needs one.
   *
   * @throws holdfast.adapters.file.disk.DiskFullException if there is no room; may be tried again
   */
  public void reserve(int recordBytes) throws IOException {
    if (!writing().fits(recordBytes)) {
      spares.prepare();
    }
  }

  /** Proves that the last batch was durable. */
  public void seal() throws IOException {
    writing().seal();
  }

  /**
   * Sees to it that the segment being written is mended by the scrub, which found it damaged: seals
   * it and goes on in a new one. If it holds no record yet, the new one would bear its name, so it
   * is mended where it is.
   */
  public void roll() throws IOException {
    JournalWriter open = writing();
    JournalScrub present = scrub;
    if (!open.isBlank()) {
      open.roll();
    } else if (present != null) {
      try {
        present.mendTip();
      } catch (LostHistoryException _) {
        // It has become damaged in every copy since: the scrub says so in its next round.
      } finally {
        open.reopen();
      }
    }
  }

  /**
   * Removes the segments that hold nothing beyond {@code floor}, in every copy. The floor must be
   * known durably elsewhere, and so must a state at or beyond it.
   *
   * @return how many segments were removed
   */
  public int retire(long floor) throws IOException {
    List<SegmentName> retired = index.whollyUpTo(floor);
    for (SegmentName name : retired) {
      index.forget(name);
      for (JournalCopy copy : copies) {
        copy.delete(name);
      }
    }
    if (!retired.isEmpty()) {
      for (JournalCopy copy : copies) {
        copy.forceDirectory();
      }
    }
    return retired.size();
  }

  /**
   * What the scrub read.
   *
   * @param lost what is damaged in every copy, or null
   * @param mustSeal whether the segment being written is damaged: it is mended once it is sealed
   * @param last whether the next call begins anew
   */
  public record Checked(
      String what,
      long bytes,
      List<Mended> mended,
      @Nullable String lost,
      boolean mustSeal,
      boolean last) {}

  /** Reads the next segment in every copy and mends the one that is damaged. One thread. */
  public Checked scrub() throws IOException {
    JournalScrub present = scrub;
    if (present == null) {
      JournalWriter open = writing();
      present = new JournalScrub(copies, open.identity().lineage(), open::tip);
      scrub = present;
    }
    return present.next();
  }

  /** Makes the next segment ready, so that the next append need not wait for it. */
  public void prepareSpare() throws IOException {
    spares.prepare();
  }

  /**
   * Keeps room taken that can be given back, where much more than {@code reserve} bytes are free.
   *
   * @return bytes that are taken now
   */
  public long keepBallast(long reserve) throws IOException {
    return ballast.keep(reserve);
  }

  /** Gives room back to facts that wait for a segment; whether there was any to give. */
  public boolean giveBallast() throws IOException {
    return ballast.giveForFacts();
  }

  /** Gives room back to a start, if there is none for what it writes before its first segment. */
  public void giveBallastToStart() throws IOException {
    ballast.giveForStartIfNeeded();
  }

  private JournalWriter writing() {
    JournalWriter open = writer;
    if (open == null) {
      throw new IllegalStateException("no term was begun");
    }
    return open;
  }

  /**
   * The durable change with this seq, or null if it is not there any more.
   *
   * @throws LostHistoryException if it is there and damaged in every copy
   */
  public @Nullable SequencedChange find(long seq) throws IOException {
    return lookup.find(seq);
  }

  /**
   * The durable changes from this seq on that were made durable together, in order.
   *
   * @return empty if the change with this seq is not there any more
   * @throws LostHistoryException if it is there and damaged in every copy
   */
  public List<SequencedChange> from(long seq) throws IOException {
    return lookup.from(seq);
  }

  /** The first seq that may still be found; 0 if there is none. */
  public long firstSeq() {
    return index.firstSeq();
  }

  @Override
  public void close() throws IOException {
    JournalWriter open = writer;
    if (open == null) {
      forcing.close();
    } else {
      open.close();
    }
  }
}
