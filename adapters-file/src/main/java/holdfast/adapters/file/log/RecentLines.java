package holdfast.adapters.file.log;

import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import holdfast.domain.port.EventLogReader.Tail;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The last lines that were written, for those who follow; only while somebody does. Whoever is too
 * slow for it reads the files. Any thread.
 */
final class RecentLines {
  static final int LINES_MAX = 4_096;
  private static final long CHARS_MAX = 2 << 20;

  private final Set<Follower> followers = ConcurrentHashMap.newKeySet();
  private final ArrayDeque<Line> lines = new ArrayDeque<>();
  private long chars;

  /** Every line behind this number is here; none is while nobody follows. */
  private long since = Long.MAX_VALUE;

  /** By identity: the same action may be given twice. */
  private static final class Follower {
    private final Runnable onWritten;

    Follower(Runnable onWritten) {
      this.onWritten = onWritten;
    }
  }

  /** Adds one who is called when lines were written; what is returned ends it. */
  Runnable follow(Runnable onWritten) {
    var follower = new Follower(onWritten);
    followers.add(follower);
    return () -> followers.remove(follower);
  }

  boolean isFollowed() {
    return !followers.isEmpty();
  }

  /**
   * Keeps lines that were written, in order of their numbers.
   *
   * @param before the number of the newest line before them
   */
  synchronized void add(List<Line> written, long before) {
    since = Math.min(since, before);
    for (Line line : written) {
      lines.add(line);
      chars += line.json().length();
    }
    while (lines.size() > LINES_MAX || chars > CHARS_MAX) {
      Line oldest = lines.removeFirst();
      chars -= oldest.json().length();
      since = oldest.number();
    }
  }

  /** Nobody has followed: lines were written that are not here. */
  synchronized void forget() {
    lines.clear();
    chars = 0;
    since = Long.MAX_VALUE;
  }

  /** Says that lines can be read now. */
  void announce() {
    followers.forEach(follower -> follower.onWritten.run());
  }

  /** What comes after {@code number}, or null if that is too long ago. */
  synchronized @Nullable Tail after(Filter filter, long number, int limit, long newest) {
    if (number < since) {
      return null;
    }
    var wanted = new ArrayList<Line>();
    for (Line line : lines) {
      if (line.number() > number && line.number() <= newest && filter.matches(line.entry())) {
        wanted.add(line);
        if (wanted.size() == limit) {
          return new Tail(wanted, line.number(), false);
        }
      }
    }
    return new Tail(wanted, newest, false);
  }
}
