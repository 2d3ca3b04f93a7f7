package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.AuditTrail.Head;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads the audit trail's files line by line, from the oldest on. No more than a piece of a file is
 * in memory. One thread; others may write, rotate and compress meanwhile.
 */
final class AuditWalk {
  private static final int PIECE = 4 * LogLine.BYTES_MAX;

  private final RotatedFiles older;
  private final Disk disk;
  private String file = "";
  private long number;

  /** Takes what is read; returns whether to go on. */
  interface Taker {
    /**
     * A line without its newline.
     *
     * @param isWhole whether there was a newline
     */
    boolean line(byte[] bytes, int from, int to, boolean isWhole);

    /** Something in the file that cannot be read. */
    boolean damaged(String what);
  }

  AuditWalk(RotatedFiles older, Disk disk) {
    this.older = older;
    this.disk = disk;
  }

  /** The file that is read. */
  String file() {
    return file;
  }

  /** Whether that is the one that is written to. */
  boolean isCurrent() {
    return file.equals(String.valueOf(older.current().getFileName()));
  }

  /** Which line of it is, or was last, handed over, from 1. */
  long number() {
    return number;
  }

  /** Reads all, until the taker has enough. */
  void run(Taker taker) throws IOException {
    long done = 0;
    while (true) {
      // Before the others are listed: what is rotated in between is among them then.
      try (DiskFile active = RotatedFiles.open(disk, older.current())) {
        Long next = next(done);
        if (next == null) {
          begin(older.current());
          if (active != null) {
            plain(active, taker);
          }
          return;
        }
        done = next;
      }
      if (!rotated(done, taker)) {
        return;
      }
    }
  }

  /** Reads the file that is being written, alone. */
  void current(Taker taker) throws IOException {
    begin(older.current());
    try (DiskFile active = RotatedFiles.open(disk, older.current())) {
      if (active != null) {
        plain(active, taker);
      }
    }
  }

  private @Nullable Long next(long done) throws IOException {
    return older.firsts().stream().filter(first -> first > done).findFirst().orElse(null);
  }

  private void begin(Path path) {
    file = String.valueOf(path.getFileName());
    number = 0;
  }

  private boolean rotated(long first, Taker taker) throws IOException {
    RotatedFiles.Opened opened = older.open(first);
    if (opened == null) {
      return true;
    }
    try (DiskFile lines = opened.file()) {
      begin(older.named(first, opened.isCompressed()));
      return opened.isCompressed() ? packed(lines, taker) : plain(lines, taker);
    }
  }

  private boolean plain(DiskFile lines, Taker taker) throws IOException {
    byte[] piece = new byte[Math.clamp(lines.size() + 1, LogLine.BYTES_MAX + 1, PIECE)];
    int kept = 0;
    long at = 0;
    while (true) {
      ByteBuffer buffer = ByteBuffer.wrap(piece, kept, piece.length - kept);
      LogBlock.fill(lines, at, buffer);
      int length = buffer.position();
      at += length - kept;
      boolean isEnd = length < piece.length;
      int rest = whole(piece, length, taker);
      if (rest < 0) {
        return false;
      }
      if (isEnd) {
        number++;
        return rest == length || taker.line(piece, rest, length, false);
      }
      if (rest == 0) {
        number++;
        return taker.damaged("a line is longer than any that was written");
      }
      kept = length - rest;
      System.arraycopy(piece, rest, piece, 0, kept);
    }
  }

  /** Hands over whole lines; where the rest begins, or -1 if the taker has enough. */
  private int whole(byte[] bytes, int length, Taker taker) {
    int from = 0;
    for (int i = 0; i < length; i++) {
      if (bytes[i] == '\n') {
        number++;
        if (!taker.line(bytes, from, i, true)) {
          return -1;
        }
        from = i + 1;
      }
    }
    return from;
  }

  private boolean packed(DiskFile lines, Taker taker) throws IOException {
    long size = lines.size();
    long at = 0;
    boolean isComplete = false;
    while (at < size) {
      LogBlock block = LogBlock.at(lines, at);
      byte[] unpacked = block == null ? null : block.lines(lines);
      if (block == null || unpacked == null) {
        number++;
        return taker.damaged("what is compressed at byte " + at + " is not as it was written");
      }
      int rest = whole(unpacked, unpacked.length, taker);
      if (rest < 0) {
        return false;
      }
      if (rest < unpacked.length) {
        number++;
        return taker.line(unpacked, rest, unpacked.length, false);
      }
      at = block.end();
      isComplete = block.isLast();
    }
    number++;
    return isComplete || taker.damaged("the end of the file is gone");
  }

  /** The last entry of an older file; null if that is not as it was written. */
  @Nullable Head last(long first) throws IOException {
    RotatedFiles.Opened opened = older.open(first);
    if (opened == null) {
      return null;
    }
    try (DiskFile lines = opened.file()) {
      byte[] end = opened.isCompressed() ? lastBlock(lines) : lastPiece(lines);
      int to = end == null ? 0 : end.length - 1;
      if (end == null || to < 0 || end[to] != '\n') {
        return null;
      }
      int from = to;
      while (from > 0 && end[from - 1] != '\n') {
        from--;
      }
      AuditLine last = AuditLine.check(end, from, to);
      return last == null ? null : last.head();
    }
  }

  private static byte[] lastPiece(DiskFile lines) throws IOException {
    long size = lines.size();
    byte[] piece = new byte[(int) Math.min(size, LogLine.BYTES_MAX + 1)];
    LogBlock.fill(lines, size - piece.length, ByteBuffer.wrap(piece));
    return piece;
  }

  private static byte @Nullable [] lastBlock(DiskFile lines) throws IOException {
    LogBlock last = null;
    for (long at = 0; at < lines.size(); at = last.end()) {
      last = LogBlock.at(lines, at);
      if (last == null) {
        return null;
      }
    }
    return last == null ? null : last.lines(lines);
  }
}
