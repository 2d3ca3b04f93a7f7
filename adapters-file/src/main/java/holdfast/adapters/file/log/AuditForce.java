package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.domain.port.AuditTrail.Head;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what is vouched for of the audit trail in step with its files: an entry is vouched for once
 * it is durable, and the last entry of a file before that is removed. Any thread.
 */
final class AuditForce {
  private final Disk disk;
  private final LogFile file;
  private final RotatedFiles older;
  private final FileEventLog.Vouching vouching;
  private int readers;

  AuditForce(Disk disk, LogFile file, RotatedFiles older, FileEventLog.Vouching vouching) {
    this.disk = disk;
    this.file = file;
    this.older = older;
    this.vouching = vouching;
  }

  /**
   * Where the chain goes on. What was vouched for and is not there any more is never written anew:
   * the place where it was shows.
   */
  static Head end(@Nullable AuditLine last, @Nullable AuditAnchor anchor) {
    Head written = last == null ? Head.NONE : last.head();
    return anchor != null && anchor.head().index() > written.index() ? anchor.head() : written;
  }

  /** Makes what is written durable, and has it vouched for; returns its end. */
  synchronized Head force(AuditChain chain) throws IOException {
    Head head = chain.head();
    AuditAnchor known = vouching.anchors().known();
    if (known == null || known.head().index() < head.index()) {
      file.forceWritten();
      disk.forceDirectory(Disk.parent(older.current()));
      vouching.anchors().durable(new AuditAnchor(base(known), head));
    }
    return head;
  }

  private static Head base(@Nullable AuditAnchor known) {
    return known == null ? Head.NONE : known.base();
  }

  AuditWalk walk() {
    return new AuditWalk(older, disk);
  }

  /** Keeps all files there until {@link #read}. */
  synchronized void reading() {
    readers++;
  }

  synchronized void read() {
    readers--;
  }

  /** Has the last entry of a file vouched for as the last that was removed. */
  synchronized boolean mayGo(long first) throws IOException {
    if (readers > 0) {
      return false;
    }
    Head last = walk().last(first);
    AuditAnchor known = vouching.anchors().known();
    if (last != null && last.index() > base(known).index()) {
      Head head = known == null || known.head().index() < last.index() ? last : known.head();
      vouching.anchors().durable(new AuditAnchor(last, head));
    }
    return vouching.note().getAsBoolean();
  }
}
