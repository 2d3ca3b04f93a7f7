package holdfast.adapters.process;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who bears which run's cookie. One walk through {@code /proc} answers all who ask within a time;
 * it costs two small reads for each process of the machine. Any thread.
 */
final class Cookies {
  private @Nullable Walk last;

  /**
   * What one walk found.
   *
   * @param begunNanos when it began, by {@link System#nanoTime}
   */
  record Walk(long begunNanos, Map<String, List<ProcTable.Entry>> bearers) {
    List<ProcTable.Entry> bearersOf(String cookie) {
      return bearers.getOrDefault(cookie, List.of());
    }
  }

  /** What a walk found that began at most so many nanoseconds before this call. */
  synchronized Walk within(long nanos) {
    long now = System.nanoTime();
    Walk present = last;
    if (present == null || now - present.begunNanos() > nanos) {
      present = walk(now);
      last = present;
    }
    return present;
  }

  private static Walk walk(long begunNanos) {
    var bearers = new HashMap<String, List<ProcTable.Entry>>();
    ProcTable.forEach(
        entry -> {
          String cookie = ProcTable.variables(entry.pid()).value(CommandEnvironment.COOKIE);
          if (cookie != null) {
            bearers.computeIfAbsent(cookie, _ -> new ArrayList<>()).add(entry);
          }
        });
    return new Walk(begunNanos, bearers);
  }
}
