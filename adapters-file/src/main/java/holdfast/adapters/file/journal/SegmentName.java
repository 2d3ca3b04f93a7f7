package holdfast.adapters.file.journal;

import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Names a segment: the first seq it may hold, and the term that opened it. Ordered by age: terms
 * grow, and within a term seqs do.
 */
public record SegmentName(long firstSeq, long term) implements Comparable<SegmentName> {
  private static final Pattern FORM = Pattern.compile("(\\d{1,19})-(\\d{1,19})\\.wal");
  private static final Comparator<SegmentName> BY_AGE =
      Comparator.comparingLong(SegmentName::term).thenComparingLong(SegmentName::firstSeq);

  static @Nullable SegmentName parse(String fileName) {
    Matcher matcher = FORM.matcher(fileName);
    if (!matcher.matches()) {
      return null;
    }
    try {
      var name =
          new SegmentName(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2)));
      return name.fileName().equals(fileName) ? name : null;
    } catch (NumberFormatException _) {
      return null;
    }
  }

  String fileName() {
    return String.format("%012d-%06d.wal", firstSeq, term);
  }

  @Override
  public int compareTo(SegmentName other) {
    return BY_AGE.compare(this, other);
  }

  @Override
  public String toString() {
    return fileName();
  }
}
