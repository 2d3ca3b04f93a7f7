package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.DiskForecast.Forecast;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Free space over simulated days. */
class DiskForecastTest {
  private static final Instant NOON = Instant.parse("2026-11-26T12:00:00Z");
  private static final long GIB = 1L << 30;
  private static final int HOUR = 3_600;

  /** Samples every 10 seconds of what is free, by the second; the last forecast. */
  private static @Nullable Forecast after(
      DiskForecast forecast, int fromSecond, int toSecond, LongUnaryOperator free) {
    Forecast last = null;
    for (int second = fromSecond; second < toSecond; second += 10) {
      long bytes = free.applyAsLong(second);
      forecast.add(NOON.plusSeconds(second), bytes);
      last = forecast.forecast(bytes);
    }
    return last;
  }

  private static Random seeded() {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("DiskForecastTest seed " + seed);
    return new Random(seed);
  }

  @Test
  void steadyGrowthIsFoldedIntoTheHoursThatAreLeft() {
    // 2 GiB an hour, 40 GiB left after 8 hours.
    Forecast found =
        after(new DiskForecast(), 0, 8 * HOUR, second -> 56 * GIB - 2 * GIB * second / HOUR);
    assertNotNull(found);
    assertTrue(found.isSoon());
    assertEquals(20, found.left().toSeconds() / 3_600.0, 0.2);
    assertEquals(Duration.ofHours(6), found.window());
  }

  @Test
  void growthIsFoundUnderNoiseAndOutliers() {
    var random = seeded();
    int found = 0;
    for (int run = 0; run < 40; run++) {
      Forecast forecast =
          after(
              new DiskForecast(),
              0,
              8 * HOUR,
              second -> {
                long truth = 56 * GIB - 2 * GIB * second / HOUR;
                long outlier = random.nextInt(10) == 0 ? 30 * GIB : 0;
                return truth - outlier + (long) (random.nextGaussian() * GIB / 2);
              });
      // The last sample itself may be an outlier: of what it leaves it is right.
      found += forecast != null && forecast.left().toHours() <= 24 ? 1 : 0;
    }
    // That many outliers may once in a while look like no trend: the next look is a second later.
    assertTrue(found >= 32, "found " + found + " times of 40");
  }

  @Test
  void noiseIsNoGrowth() {
    var random = seeded();
    for (int run = 0; run < 20; run++) {
      var forecast = new DiskForecast();
      for (int second = 0; second < 24 * HOUR; second += 60) {
        long bytes = 50 * GIB + (long) (random.nextGaussian() * GIB / 2);
        forecast.add(NOON.plusSeconds(second), bytes);
        Forecast found = forecast.forecast(bytes);
        assertFalse(found != null && found.isSoon(), "run " + run + ", " + second + ": " + found);
      }
    }
  }

  @Test
  void aSingleLargeFileIsNoGrowthWheneverItCame() {
    var forecast = new DiskForecast();
    for (int second = 0; second < 20 * HOUR; second += 10) {
      long bytes = second < 7 * HOUR ? 100 * GIB : 20 * GIB;
      forecast.add(NOON.plusSeconds(second), bytes);
      Forecast found = forecast.forecast(bytes);
      assertNull(found, second + ": " + found);
    }
  }

  @Test
  void whatFillsAtOnceIsToldWithinMinutes() {
    var forecast = new DiskForecast();
    assertNull(after(forecast, 0, 8 * HOUR, second -> 60 * GIB));
    LongUnaryOperator filling = second -> 60 * GIB - (second - 8 * HOUR) * GIB / 60;
    Forecast found = after(forecast, 8 * HOUR, 8 * HOUR + 15 * 60, filling);
    assertNotNull(found);
    assertTrue(found.isSoon());
    assertEquals(45.0, found.left().toSeconds() / 60.0, 5);
    assertEquals(Duration.ofMinutes(15), found.window());
  }

  @Test
  void growthThatHasEndedIsForgottenAndSlowGrowthIsNoWarning() {
    var forecast = new DiskForecast();
    Forecast found = after(forecast, 0, 8 * HOUR, second -> 56 * GIB - 2 * GIB * second / HOUR);
    assertTrue(found != null && found.isSoon());
    found = after(forecast, 8 * HOUR, 14 * HOUR, second -> 40 * GIB);
    assertNull(found);
    found = after(new DiskForecast(), 0, 8 * HOUR, second -> 400 * GIB - GIB * second / HOUR);
    assertNotNull(found);
    assertFalse(found.isSoon());
    assertEquals(16, found.left().toDays());
  }

  @Test
  void aWarningDoesNotComeAndGoAtItsThreshold() {
    var forecast = new DiskForecast();
    after(forecast, 0, 8 * HOUR, second -> 56 * GIB - 2 * GIB * second / HOUR);
    boolean before = false;
    int changes = 0;
    for (int i = 0; i < 100; i++) {
      // From 22 to 26 hours and back.
      Forecast found = forecast.forecast((i % 2 == 0 ? 44 : 52) * GIB);
      boolean isSoon = found != null && found.isSoon();
      changes += isSoon == before ? 0 : 1;
      before = isSoon;
    }
    assertEquals(1, changes);
    assertFalse(forecast.forecast(64 * GIB).isSoon(), "far above it is taken back");
  }

  @Test
  void littleIsKnownAtFirstAndNothingOfBeforeTheClockWasSetBack() {
    var forecast = new DiskForecast();
    LongUnaryOperator filling = second -> 60 * GIB - second * GIB / 60;
    assertNull(after(forecast, 0, 4 * 60, filling));
    assertNotNull(after(forecast, 4 * 60, 8 * 60, filling));
    forecast.add(NOON.minusSeconds(HOUR), 50 * GIB);
    assertNull(forecast.forecast(50 * GIB));
  }
}
