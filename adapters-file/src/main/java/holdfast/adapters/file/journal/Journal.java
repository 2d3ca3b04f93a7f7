package holdfast.adapters.file.journal;

import holdfast.adapters.file.journal.SegmentChain.Link;
import holdfast.adapters.file.json.EncodedChange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The write-ahead journal in its copies: {@link #recover}, then {@link #begin}, then {@link
 * #append}.
 *
 * <p>One thread recovers and appends; any thread reads with {@link #find} and calls {@link
 * #prepareSpare}. After an exception from {@link #begin}, {@link #append} or {@link #seal} nothing
 * more may be appended.
 */
public final class Journal implements AutoCloseable {
  private final List<JournalCopy> copies;
  private final int segmentBytes;
  private final Forcing forcing;
  private final LongSupplier nonces;
  private final SpareSegments spares;
  private final BatchIndex index = new BatchIndex();
  private JournalReplay.@Nullable Result found;
  private @Nullable JournalWriter writer;

  /**
   * What is known from elsewhere to have been durable.
   *
   * @param term a segment of this term or a later one must exist; 0 knows of none
   * @param seq this seq must be readable; 0 knows of none
   */
  public record Proof(long term, long seq) {}

  /**
   * What was found.
   *
   * @param lineage null if there is no history
   * @param nextSeq the seq that follows the last one
   * @param empty whether there is no segment that counts
   * @param healed what was rebuilt, one sentence each
   * @param quarantined what was put aside, one sentence each
   */
  public record Recovered(
      @Nullable UUID lineage,
      long epoch,
      long nextSeq,
      boolean empty,
      boolean tornTail,
      List<String> healed,
      List<String> quarantined) {}

  /** A journal on one or two copies, forced in parallel, with nonces that never repeat. */
  public Journal(List<JournalCopy> copies, int segmentBytes) {
    this(copies, segmentBytes, new ParallelForcing(), new SecureRandom()::nextLong);
  }

  Journal(List<JournalCopy> copies, int segmentBytes, Forcing forcing, LongSupplier nonces) {
    this.copies = List.copyOf(copies);
    this.segmentBytes = segmentBytes;
    this.forcing = forcing;
    this.nonces = nonces;
    spares = new SpareSegments(this.copies, segmentBytes);
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
   * Reads all of history, mends copies from each other, and reports it.
   *
   * @param lineage whose history is expected; null takes what is there
   * @param nextTerm the term that will begin; names what is put aside
   * @param sink takes every change, in order of seq, before this returns
   * @throws LostHistoryException if history cannot be read, or ends before the proof; nothing was
   *     changed then
   */
  public Recovered recover(@Nullable UUID lineage, Proof proof, long nextTerm, JournalSink sink)
      throws IOException {
    SegmentChain chain = SegmentChain.find(copies, lineage);
    var replay = new JournalReplay(copies, index, nextTerm, sink);
    JournalReplay.Result result = replay.run(chain);
    check(proof, result);
    replay.heal();
    found = result;
    return new Recovered(
        result.lineage(),
        result.epoch(),
        result.nextSeq(),
        chain.links().isEmpty(),
        result.tornTail(),
        result.healed(),
        result.quarantined());
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
              + ", but the manifest proves that seq "
              + proof.seq()
              + " and a segment of term "
              + proof.term()
              + " were durable. Put the missing segments back from a backup; nothing was changed");
    }
  }

  /**
   * Begins a term: when this returns, everything recovered is durable in every copy, and whatever
   * else stands in the directories is outside history and cleared away.
   */
  public void begin(UUID lineage, long epoch, long term) throws IOException {
    JournalReplay.Result start = found;
    if (start == null) {
      throw new IllegalStateException("recover first");
    }
    var writing =
        new JournalWriter(
            copies,
            spares,
            forcing,
            nonces,
            new JournalWriter.Identity(lineage, epoch, term),
            segmentBytes,
            new JournalWriter.Start(start.tailDigest(), start.nextSeq()));
    writing.takeOver(start.tail());
    writer = writing;
    clearAway(start, term);
    found = null;
  }

  private void clearAway(JournalReplay.Result start, long term) throws IOException {
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
    for (SegmentName name : unused) {
      for (JournalCopy copy : copies) {
        remove(copy, name, term, start.quarantined());
      }
    }
    if (!unused.isEmpty()) {
      for (JournalCopy copy : copies) {
        copy.forceDirectory();
      }
    }
  }

  /** Removes a segment outside history, or puts it aside if anything was ever committed to it. */
  private static void remove(
      JournalCopy copy, SegmentName name, long term, List<String> quarantined) throws IOException {
    ByteBuffer content = copy.load(name);
    if (content == null) {
      return;
    }
    if (SegmentReader.holdsRecords(content)) {
      String why = copy.path(name) + " is no part of history: a later term went on without it";
      quarantined.add(why + "; put aside as " + copy.putAside(name, term, why));
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

  /** Makes the next segment ready, so that the next append need not wait for it. */
  public void prepareSpare() throws IOException {
    spares.prepare();
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
    BatchIndex.Place place = index.find(seq);
    if (place == null) {
      return null;
    }
    for (JournalCopy copy : copies) {
      SequencedChange change = find(copy, place, seq);
      if (change != null) {
        return change;
      }
    }
    throw new LostHistoryException(
        "seq "
            + seq
            + " at offset "
            + place.offset()
            + " is damaged in each of "
            + SegmentChain.places(copies, place.segment()));
  }

  private static @Nullable SequencedChange find(JournalCopy copy, BatchIndex.Place place, long seq)
      throws IOException {
    ByteBuffer block = copy.read(place.segment(), place.offset(), Batch.BLOCK);
    if (block == null) {
      return null;
    }
    int length = Batch.claimedLength(block, 1 << 30);
    ByteBuffer bytes =
        length == Batch.BLOCK ? block : copy.read(place.segment(), place.offset(), length);
    Batch batch = bytes == null ? null : Batch.at(bytes, 0);
    if (bytes == null || batch == null) {
      return null;
    }
    bytes.position(Batch.HEADER);
    SequencedChange change = RecordCodec.read(bytes, batch.length());
    while (change != null && change.seq() < seq) {
      change = RecordCodec.read(bytes, batch.length());
    }
    return change != null && change.seq() == seq ? change : null;
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
