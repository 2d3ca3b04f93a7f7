package holdfast.adapters.web;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Runs what concerns one thing in the order in which it was asked for, and different things side by
 * side, each lane on a virtual thread that lives while there is something to do. Any thread.
 */
final class Lanes {
  private final Map<String, Queue<Runnable>> waiting = new HashMap<>();

  void run(String lane, Runnable job) {
    synchronized (waiting) {
      Queue<Runnable> queue = waiting.get(lane);
      if (queue != null) {
        queue.add(job);
        return;
      }
      waiting.put(lane, new ArrayDeque<>());
    }
    Thread.ofVirtual().name("lane-" + lane).start(() -> runAll(lane, job));
  }

  private void runAll(String lane, Runnable first) {
    Runnable job = first;
    while (job != null) {
      try {
        job.run();
      } finally {
        job = next(lane);
      }
    }
  }

  private @Nullable Runnable next(String lane) {
    synchronized (waiting) {
      Queue<Runnable> queue = waiting.get(lane);
      Runnable job = queue == null ? null : queue.poll();
      if (job == null) {
        waiting.remove(lane);
      }
      return job;
    }
  }
}
