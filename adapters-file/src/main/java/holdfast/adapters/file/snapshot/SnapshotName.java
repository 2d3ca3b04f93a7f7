package holdfast.adapters.file.snapshot;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a snapshot's id says: when it was made, and of what. Orders by how much history it holds.
 *
 * @param time as in the id, to the millisecond
 */
public record SnapshotName(String time, long epoch, long seq) implements Comparable<SnapshotName> {
  static final String SUFFIX = ".jsonl.zst";
  private static final Pattern FORM =
      Pattern.compile("(\\d{8}T\\d{6}\\.\\d{3}Z)-(\\d{1,18})-(\\d{1,18})");
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final Comparator<SnapshotName> ORDER =
      Comparator.comparingLong(SnapshotName::epoch)
          .thenComparingLong(SnapshotName::seq)
          .thenComparing(SnapshotName::time);

  static SnapshotName of(Instant time, long epoch, long seq) {
    return new SnapshotName(TIME.format(time), epoch, seq);
  }

  /** The name that {@code id} spells, or null. */
  public static @Nullable SnapshotName parse(String id) {
    Matcher matcher = FORM.matcher(id);
    if (!matcher.matches()) {
      return null;
    }
    var name =
        new SnapshotName(
            matcher.group(1), Long.parseLong(matcher.group(2)), Long.parseLong(matcher.group(3)));
    return name.id().equals(id) ? name : null;
  }

  static @Nullable SnapshotName ofFile(String fileName) {
    return fileName.endsWith(SUFFIX)
        ? parse(fileName.substring(0, fileName.length() - SUFFIX.length()))
        : null;
  }

  public String id() {
    return time + "-" + epoch + "-" + seq;
  }

  String fileName() {
    return id() + SUFFIX;
  }

  @Override
  public int compareTo(SnapshotName other) {
    return ORDER.compare(this, other);
  }
}
