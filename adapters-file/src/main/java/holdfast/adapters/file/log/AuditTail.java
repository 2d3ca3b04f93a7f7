package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.EventLog.Category;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Ends the audit trail, after a crash, behind its last whole entry: of what nobody vouches for yet,
 * a power cut may leave any part. What is cut off is kept in quarantine; entries of changes in it
 * are written again from the journal. Entries that were vouched for are left as they are, whatever
 * became of them.
 */
public final class AuditTail implements AuditWalk.Taker {
  private final @Nullable AuditAnchor anchor;
  private @Nullable Head last;
  private long offset;
  private boolean isBroken;

  private AuditTail(@Nullable AuditAnchor anchor) {
    this.anchor = anchor;
  }

  /**
   * Cuts. Before the log is opened.
   *
   * @param logs where the logs of all categories are
   * @return what was cut off, as a sentence, or null
   */
  public static @Nullable String cut(
      Disk disk, Path logs, @Nullable AuditAnchor anchor, Quarantine quarantine)
      throws IOException {
    Path directory = logs.resolve(Category.AUDIT.label());
    Layout.create(disk, directory);
    var older = new RotatedFiles(disk, directory, Category.AUDIT);
    Path current = older.current();
    var tail = new AuditTail(anchor);
    var walk = new AuditWalk(older, disk);
    walk.current(tail);
    if (!tail.isBroken || !tail.isBehindAnchor(walk, older)) {
      return null;
    }
    Path kept =
        quarantine.keep(
            current, "not whole behind byte " + tail.offset + ", after a crash", "the journal");
    try (DiskFile file = disk.open(current, Disk.Access.WRITE)) {
      long bytes = file.size() - tail.offset;
      file.truncate(tail.offset);
      file.force();
      return bytes + " bytes were cut off " + current + "; all of it is in " + kept;
    }
  }

  private boolean isBehindAnchor(AuditWalk walk, RotatedFiles older) throws IOException {
    if (anchor == null) {
      return true;
    }
    Head before = last;
    if (before == null && !older.firsts().isEmpty()) {
      before = walk.last(older.firsts().getLast());
    }
    // Everything that was vouched for may have been removed for its age.
    long index = Math.max(before == null ? 0 : before.index(), anchor.base().index());
    return index >= anchor.head().index();
  }

  @Override
  public boolean line(byte[] bytes, int from, int to, boolean isWhole) {
    AuditLine entry = isWhole ? AuditLine.check(bytes, from, to) : null;
    boolean fits =
        entry != null
            && (last == null
                || (entry.head().index() == last.index() + 1
                    && entry.previous().equals(last.hash())));
    boolean isOlder = isWhole && last == null && AuditLine.isOfBefore(bytes, from, to);
    if (!fits && !isOlder) {
      isBroken = true;
      return false;
    }
    last = entry == null ? last : entry.head();
    offset += to - from + 1L;
    return true;
  }

  @Override
  public boolean damaged(String what) {
    isBroken = true;
    return false;
  }
}
