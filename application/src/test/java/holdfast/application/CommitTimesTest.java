package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.application.CommitTimes.Minute;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class CommitTimesTest {
  private final AtomicLong now = new AtomicLong(-TimeUnit.SECONDS.toNanos(30));
  private final CommitTimes times = new CommitTimes(now::get);

  private void pass(int seconds) {
    now.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  @Test
  void onlyTheLastMinuteCounts() {
    assertEquals(new Minute(0, 0, 0), times.lastMinute());
    times.committed(1, 100);
    pass(1);
    times.committed(5, 200);
    times.committed(5, 600);
    assertEquals(new Minute(3, 300, 600), times.lastMinute());
    pass(59);
    assertEquals(new Minute(2, 400, 600), times.lastMinute());
    times.committed(1, 100);
    pass(1);
    assertEquals(new Minute(1, 100, 100), times.lastMinute());
    pass(600);
    assertEquals(new Minute(0, 0, 0), times.lastMinute());
  }
}
