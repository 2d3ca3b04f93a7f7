package holdfast.application;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * How fast something dwindles, from samples of the recent past. The rate is the median of the
 * slopes between all pairs of samples (Theil and Sen), so outliers hardly count; and there is none
 * unless most pairs agree that it dwindles at all (Mann and Kendall), so neither noise nor a single
 * step is taken for a trend. The newer half must agree: what has come to an end is none, either.
 *
 * <p>One thread.
 */
final class Trend {
  private static final int SAMPLES = 30;
  private static final int SAMPLES_MIN = 10;
  private static final double AGREEING = 2.0 / 3;

  private final Duration window;
  private final Deque<Sample> samples = new ArrayDeque<>();
  private double loss;

  private record Sample(Instant at, long value) {
    double slopeTo(Sample later) {
      return (later.value - value) / (Duration.between(at, later.at).toMillis() / 1e3);
    }
  }

  Trend(Duration window) {
    this.window = window;
  }

  Duration window() {
    return window;
  }

  /** Takes note of a value; of those that come too fast, of some only. */
  void add(Instant at, long value) {
    Duration spacing = window.dividedBy(SAMPLES);
    Sample last = samples.peekLast();
    if (last != null && at.isBefore(last.at())) {
      // The clock was set back: no slope can be told from before to after.
      samples.clear();
      last = null;
    }
    if (last == null || Duration.between(last.at(), at).compareTo(spacing) >= 0) {
      samples.addLast(new Sample(at, value));
      if (samples.size() > SAMPLES) {
        samples.removeFirst();
      }
      loss = loss();
    }
  }

  /** By how much the value dwindles in a second; 0 if it does not, or if that is not known yet. */
  double lossPerSecond() {
    return loss;
  }

  private double loss() {
    List<Sample> all = new ArrayList<>(samples);
    if (all.size() < SAMPLES_MIN) {
      return 0;
    }
    List<Sample> newer = all.subList(all.size() / 2, all.size());
    return Math.min(loss(all), loss(newer));
  }

  private static double loss(List<Sample> some) {
    var slopes = new ArrayList<Double>();
    for (int i = 0; i < some.size(); i++) {
      for (int j = i + 1; j < some.size(); j++) {
        slopes.add(some.get(i).slopeTo(some.get(j)));
      }
    }
    long falling = slopes.stream().filter(slope -> slope < 0).count();
    if (falling < AGREEING * slopes.size()) {
      return 0;
    }
    slopes.sort(null);
    return Math.max(0, -slopes.get(slopes.size() / 2));
  }
}
