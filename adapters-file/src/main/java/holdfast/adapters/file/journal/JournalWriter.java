package holdfast.adapters.file.journal;

import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes batches: both copies, both forced, before it returns. Batch N + 1 is not begun before N is
 * durable in both. After an exception the writer must be given up: what the failed call left on the
 * disk is unknown, and nothing may follow it.
 *
 * <p>One thread at a time.
 */
final class JournalWriter implements AutoCloseable {

  private final SpareSegments spares;
  private final Forcing forcing;
  private final LongSupplier nonces;
  private volatile Identity identity;
  private final int segmentBytes;
  private final ByteBuffer buffer;

  private volatile @Nullable Segment segment;
  private Digest lastDigest;
  private long nextSeq;
  private Batch.@Nullable Kind lastKind;

  private record Segment(
      SegmentName name, long nonce, List<DiskFile> files, int end, Digest lastDigest) {
    Segment grown(int bytes, Digest digest) {
      return new Segment(name, nonce, files, end + bytes, digest);
    }
  }

  /** How far a segment is durable, and the digest of its last batch. */
  record Tip(SegmentName segment, int end, Digest lastDigest) {}

  /** Where a writer goes on: the last batch's digest, and the seq that follows it. */
  record Start(Digest lastDigest, long nextSeq) {}

  JournalWriter(
      SpareSegments spares,
      Forcing forcing,
      LongSupplier nonces,
      Start start,
      Identity identity,
      int segmentBytes) {
    this.spares = spares;
    this.forcing = forcing;
    this.nonces = nonces;
    this.identity = identity;
    this.segmentBytes = segmentBytes;
    // A takeover repeats the last batch, so it is the largest there is.
    buffer =
        ByteBuffer.allocateDirect(
            Batch.padded(Batch.HEADER + Opening.HEADER + batchBytesMax(segmentBytes)));
    lastDigest = start.lastDigest();
    nextSeq = start.nextSeq();
  }

  /** The largest batch, padding included, that a segment of {@code segmentBytes} can hold. */
  static int batchBytesMax(int segmentBytes) {
    // A segment begins with an opening of up to this size and one block, so half is too much.
    return Math.min(8 << 20, (segmentBytes / 2 - 2 * Batch.BLOCK) & -Batch.BLOCK);
  }

  /** How many bytes of records a batch can take. */
  static int recordBytesMax(int segmentBytes) {
    return batchBytesMax(segmentBytes) - Batch.HEADER;
  }

  /** Begins the term: everything up to here is durable and counts from now on. */
  void takeOver(Opening tail) throws IOException {
    openSegment(Batch.Kind.TAKEOVER, tail);
  }

  /** Begins an epoch: what was before it counts no more. */
  void beginEpoch(EpochBase base) throws IOException {
    nextSeq = base.seq() + 1;
    openSegment(Batch.Kind.EPOCH, Opening.epoch(base));
  }

  /** Begins an epoch in the term that is under way, in a segment of its own. */
  void nextEpoch(Identity next, EpochBase base) throws IOException {
    Segment former = current();
    identity = next;
    beginEpoch(base);
    finish(former);
  }

  private void openSegment(Batch.Kind kind, Opening opening) throws IOException {
    var name = new SegmentName(nextSeq, identity.term());
    segment = new Segment(name, nonces.getAsLong(), spares.take(name), 0, lastDigest);
    buffer.clear().position(Batch.HEADER);
    opening.write(buffer);
    write(kind, 0);
  }

  /**
   * Writes the records as one batch. They must be numbered from where the writer stands, and fit.
   *
   * @return where the batch stands
   */
  BatchIndex.Place append(List<SequencedChange> records) throws IOException {
    int bytes = 0;
    for (SequencedChange record : records) {
      bytes += RecordCodec.length(record.change());
    }
    if (!fits(bytes)) {
      roll();
    }
    buffer.clear().position(Batch.HEADER);
    for (SequencedChange record : records) {
      RecordCodec.write(buffer, record, identity.epoch());
    }
    int offset = current().end();
    write(Batch.Kind.DATA, records.size());
    return new BatchIndex.Place(current().name(), offset);
  }

  /** Whether a batch with so many bytes of records fits into the segment being written. */
  boolean fits(int recordBytes) {
    return Batch.padded(Batch.HEADER + recordBytes) <= segmentBytes - current().end();
  }

  /** Proves by an empty batch that everything before was durable, unless the last one is that. */
  void seal() throws IOException {
    // Seals alone must never fill a segment: its successor would bear its name.
    if (lastKind != Batch.Kind.SEAL && current().end() + Batch.BLOCK <= segmentBytes) {
      buffer.clear().position(Batch.HEADER);
      write(Batch.Kind.SEAL, 0);
    }
  }

  private void write(Batch.Kind kind, int count) throws IOException {
    Segment into = current();
    Batch.seal(
        buffer,
        new Batch(
            kind,
            0,
            identity.lineage(),
            identity.epoch(),
            identity.term(),
            into.nonce(),
            nextSeq,
            count,
            lastDigest));
    int padded = buffer.limit();
    for (DiskFile file : into.files()) {
      file.write(buffer.duplicate(), into.end());
    }
    forcing.force(into.files(), () -> lastDigest = Digest.of(buffer, 0, padded));
    nextSeq += count;
    lastKind = kind;
    segment = into.grown(padded, lastDigest);
  }

  /** Whether the segment being written holds no record: then none can follow it in this term. */
  boolean isBlank() {
    return current().name().firstSeq() == nextSeq;
  }

  /** Writes to the files that bear the segment's name now, whose durable bytes are the same. */
  void reopen() throws IOException {
    Segment open = current();
    segment =
        new Segment(
            open.name(), open.nonce(), spares.open(open.name()), open.end(), open.lastDigest());
    for (DiskFile file : open.files()) {
      file.close();
    }
  }

  /** Seals the segment being written, which is not blank, and goes on in a new one. */
  void roll() throws IOException {
    Segment full = current();
    if (isBlank()) {
      throw new IllegalStateException(full.name() + " holds no record: no segment can follow it");
    }
    openSegment(Batch.Kind.ROLL, new Opening(full.name(), full.end(), ByteBuffer.allocate(0)));
    finish(full);
  }

  /** Cuts a segment that is written no more to what it holds. */
  private static void finish(Segment full) throws IOException {
    for (DiskFile file : full.files()) {
      file.truncate(full.end());
      file.force();
      file.close();
    }
  }

  private Segment current() {
    Segment open = segment;
    if (open == null) {
      throw new IllegalStateException("no term was begun");
    }
    return open;
  }

  /** How far everything is durable. Any thread. */
  Tip tip() {
    Segment written = current();
    return new Tip(written.name(), written.end(), written.lastDigest());
  }

  Identity identity() {
    return identity;
  }

  @Override
  public void close() throws IOException {
    forcing.close();
    Segment open = segment;
    segment = null;
    if (open != null) {
      for (DiskFile file : open.files()) {
        file.close();
      }
    }
  }
}
