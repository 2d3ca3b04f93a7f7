package holdfast.adapters.file.journal;

import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.journal.SegmentChain.Link;
import holdfast.domain.port.Scrubbing.Mended;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads one segment of history from all copies at once.
 *
 * <p>A batch that is valid in no copy ends the journal only in the last segment, and only if
 * nothing valid stands behind it: batch N + 1 is not written before N is durable in both copies, so
 * an invalid batch followed by a valid one is corruption, never a torn tail.
 */
final class SegmentReader {

  /**
   * Where history stands between two segments.
   *
   * @param digest of the batch last read
   */
  record Position(long nextSeq, Digest digest) {
    static final Position START = new Position(1, Digest.NONE);
  }

  private final List<JournalCopy> copies;
  private final Link link;
  private final List<@Nullable ByteBuffer> contents = new ArrayList<>();
  private final List<List<Integer>> damage = new ArrayList<>();
  private final ByteArrayOutputStream whole = new ByteArrayOutputStream(0);
  private final boolean mending;
  private final BitSet foreign = new BitSet();
  private Digest lastDigest;
  private long nextSeq;
  private int end;
  private ByteBuffer last = ByteBuffer.allocate(0);
  private int lastAt;
  private int lastLength;
  private boolean tornTail;

  /**
   * @param room where the copies' contents go, and larger ones if need be
   * @param mending whether the segment is to be rebuilt as well
   */
  private SegmentReader(
      List<JournalCopy> copies, Link link, Position start, Room room, boolean mending)
      throws IOException {
    this.copies = copies;
    this.link = link;
    this.mending = mending;
    nextSeq = start.nextSeq();
    lastDigest = start.digest();
    for (int i = 0; i < copies.size(); i++) {
      contents.add(room.load(copies, i, link.name()));
      damage.add(new ArrayList<>());
    }
  }

  static SegmentReader reading(List<JournalCopy> copies, Link link, Position start, Room room)
      throws IOException {
    return new SegmentReader(copies, link, start, room, false);
  }

  /** A reader that also keeps what is valid, for {@link #heal}. */
  static SegmentReader mending(List<JournalCopy> copies, Link link, Position start)
      throws IOException {
    return new SegmentReader(copies, link, start, new Room(), true);
  }

  /** Memory for the contents of one segment after the other. */
  static final class Room {
    private final List<@Nullable ByteBuffer> buffers = new ArrayList<>();
    private int bytesMax = Integer.MAX_VALUE;

    /** Takes no more of a segment than its first {@code bytes}. */
    Room upTo(int bytes) {
      bytesMax = bytes;
      return this;
    }

    private @Nullable ByteBuffer load(List<JournalCopy> copies, int copy, SegmentName name)
        throws IOException {
      while (buffers.size() < copies.size()) {
        buffers.add(null);
      }
      ByteBuffer content = copies.get(copy).load(name, buffers.get(copy), bytesMax);
      if (content != null) {
        buffers.set(copy, content);
      }
      return content;
    }
  }

  /** How many bytes of the segment belong to history. */
  int end() {
    return end;
  }

  /** Whether unfinished bytes stand behind the end. */
  boolean tornTail() {
    return tornTail;
  }

  /** Where history stands behind this segment. */
  Position position() {
    return new Position(nextSeq, lastDigest);
  }

  /** The valid batches that were read; only if made for {@link #mending}. */
  byte[] whole() {
    return whole.toByteArray();
  }

  boolean isDamaged() {
    return damage.stream().anyMatch(offsets -> !offsets.isEmpty());
  }

  /** A copy of the last batch that counts. */
  ByteBuffer lastBatch() {
    byte[] bytes = new byte[lastLength];
    last.get(lastAt, bytes);
    return ByteBuffer.wrap(bytes);
  }

  /**
   * Reads the segment.
   *
   * @throws LostHistoryException if a batch that must be there is valid in no copy
   */
  void read(BatchIndex index, JournalSink sink) {
    while (link.isTip() || end < link.end()) {
      int from = end;
      Batch batch = nextBatch();
      if (batch == null) {
        checkTail();
        return;
      }
      end += batch.paddedLength();
      if (batch.count() > 0) {
        index.add(batch.firstSeq(), link.name(), from);
      }
      accept(batch, sink);
    }
    if (end != link.end()) {
      throw lost("history ends at offset " + link.end() + ", inside a batch", end - lastLength);
    }
  }

  /** The batch at {@link #end} from the first copy that has it, which becomes {@link #last}. */
  private @Nullable Batch nextBatch() {
    Batch chosen = null;
    for (int i = 0; i < copies.size(); i++) {
      ByteBuffer content = contents.get(i);
      Batch batch = content == null || foreign.get(i) ? null : fitting(content, end);
      if (batch != null && content != null && chosen != null && differs(content)) {
        chooseFuture();
        return nextBatch();
      }
      if (batch != null && content != null && chosen == null) {
        chosen = batch;
        last = content;
        lastAt = end;
      }
      if (batch == null) {
        noteDamage(i);
      }
    }
    if (chosen == null && !link.isTip() && end + link.repeated().limit() == link.end()) {
      ByteBuffer repeated = link.repeated();
      chosen = fitting(repeated, 0);
      if (chosen != null) {
        last = repeated;
        lastAt = 0;
      }
    }
    if (chosen != null) {
      lastLength = chosen.paddedLength();
    }
    return chosen;
  }

  private void noteDamage(int copy) {
    List<Integer> offsets = damage.get(copy);
    if (offsets.isEmpty() || offsets.getLast() != end) {
      offsets.add(end);
    }
  }

  private boolean differs(ByteBuffer content) {
    return Batch.checksum(content, end) != Batch.checksum(last, end);
  }

  /**
   * The copies go on differently, and each is whole: one was put there from a directory that had
   * the same past. The one counts that ends with the batch which the next segment followed.
   */
  private void chooseFuture() {
    for (int i = 0; i < copies.size(); i++) {
      foreign.set(i, !endsAsFollowed(contents.get(i)));
    }
    if (foreign.cardinality() == copies.size()) {
      throw lost(
          "the copies hold different batches, each of them whole, and nothing tells which is"
              + " history: one file was put there from elsewhere",
          end);
    }
  }

  private boolean endsAsFollowed(@Nullable ByteBuffer content) {
    Digest digest = null;
    int at = end;
    Batch batch = content == null ? null : Batch.at(content, at);
    while (content != null && batch != null && at < link.end()) {
      digest = Digest.of(content, at, batch.paddedLength());
      at += batch.paddedLength();
      batch = Batch.at(content, at);
    }
    return at == link.end() && digest != null && digest.equals(link.lastDigest());
  }

  /** The batch at {@code offset} if it is valid, belongs here, and chains to the one before. */
  private @Nullable Batch fitting(ByteBuffer content, int offset) {
    Batch batch = Batch.at(content, offset);
    boolean fits =
        batch != null
            && batch.nonce() == link.opening().nonce()
            && batch.term() == link.opening().term()
            && batch.epoch() == link.opening().epoch()
            && batch.lineage().equals(link.opening().lineage())
            && batch.firstSeq() == nextSeq
            && batch.kind().opensSegment() == (end == 0)
            && batch.previousDigest().equals(lastDigest);
    return fits ? batch : null;
  }

  private void accept(Batch batch, JournalSink sink) {
    last.position(lastAt + Batch.HEADER);
    for (int i = 0; i < batch.count(); i++) {
      SequencedChange record = RecordCodec.read(last, lastAt + batch.length());
      if (record == null || record.seq() != nextSeq) {
        throw lost("record " + nextSeq + " is malformed in a batch whose checksum is right", end);
      }
      sink.change(record);
      nextSeq++;
    }
    lastDigest = Digest.of(last, lastAt, lastLength);
    if (mending) {
      whole.write(last.array(), last.arrayOffset() + lastAt, lastLength);
    }
  }

  /** Nothing valid may stand behind the end of the journal, and nothing before a known end. */
  private void checkTail() {
    if (end == 0 && wholeAt(0)) {
      throw lost(
          "the segment is whole but does not continue "
              + link.from().predecessor()
              + ", which is not the file that it was written after",
          0);
    }
    if (!link.isTip()) {
      throw lost("a batch is valid in no copy, and history goes on behind it", end);
    }
    for (int i = 0; i < copies.size(); i++) {
      ByteBuffer content = contents.get(i);
      damage.get(i).removeLast();
      if (content == null) {
        continue;
      }
      int behind = firstBatch(content, end, link.opening());
      if (behind >= 0) {
        throw lost(
            "a batch is valid in no copy, and a valid one stands behind it at offset "
                + behind
                + " of "
                + copies.get(i).path(link.name()),
            end);
      }
      tornTail |= !isZero(content, end, content.limit());
    }
  }

  private boolean wholeAt(int offset) {
    return contents.stream()
        .anyMatch(content -> content != null && Batch.at(content, offset) != null);
  }

  private LostHistoryException lost(String what, int offset) {
    return new LostHistoryException(
        "history from seq "
            + nextSeq
            + " on cannot be read: "
            + what
            + " (offset "
            + offset
            + " of "
            + SegmentChain.places(copies, link.name())
            + "). Restore one of these files from a backup of the same lineage; nothing"
            + " acknowledged was changed");
  }

  /**
   * Rebuilds the copies that are damaged, once their damaged bytes are kept elsewhere. Only after
   * {@link #read}, and if made for {@link #mending}.
   */
  void heal(List<Mended> mended) throws IOException {
    for (int i = 0; i < copies.size(); i++) {
      List<Integer> damaged = damage.get(i);
      if (!damaged.isEmpty()) {
        JournalCopy copy = copies.get(i);
        ByteBuffer content = contents.get(i);
        String what = damageOf(content, damaged);
        String source = "the journal's other copy";
        Path kept = null;
        if (content == null) {
          kept = copy.putAside(link.name(), what);
        } else if (hasBytes(content, damaged.getFirst())) {
          kept = copy.keep(link.name(), what, source);
        }
        copy.rebuild(link.name(), whole.toByteArray());
        mended.add(
            new Mended(
                copy.path(link.name()).toString(),
                what,
                source,
                kept == null ? null : kept.toString()));
      }
    }
  }

  private static String damageOf(@Nullable ByteBuffer content, List<Integer> damaged) {
    return content == null
        ? "was missing, or no file"
        : "had "
            + damaged.size()
            + (damaged.size() == 1 ? " invalid batch" : " invalid batches")
            + ", the first at offset "
            + damaged.getFirst();
  }

  private static boolean hasBytes(ByteBuffer content, int from) {
    return !isZero(content, Math.min(from, content.limit()), content.limit());
  }

  /** The offset of the first valid batch from {@code offset} on, or -1. */
  static int firstBatch(ByteBuffer bytes, int offset, @Nullable Batch sibling) {
    for (int at = offset; at <= bytes.limit() - Batch.BLOCK; at += Batch.BLOCK) {
      Batch batch = Batch.at(bytes, at);
      boolean ours =
          batch != null
              && (sibling == null
                  || (batch.nonce() == sibling.nonce() && batch.term() == sibling.term()));
      if (ours) {
        return at;
      }
    }
    return -1;
  }

  /** Whether any valid batch in {@code bytes} carries records. */
  static boolean holdsRecords(ByteBuffer bytes) {
    for (int at = 0; at <= bytes.limit() - Batch.BLOCK; at += Batch.BLOCK) {
      Batch batch = Batch.at(bytes, at);
      if (batch != null && batch.count() > 0) {
        return true;
      }
    }
    return false;
  }

  private static boolean isZero(ByteBuffer bytes, int from, int to) {
    int at = from;
    while (at + Long.BYTES <= to) {
      if (bytes.getLong(at) != 0) {
        return false;
      }
      at += Long.BYTES;
    }
    while (at < to) {
      if (bytes.get(at) != 0) {
        return false;
      }
      at++;
    }
    return true;
  }
}
