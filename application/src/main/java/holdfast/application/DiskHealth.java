package holdfast.application;

import holdfast.application.DiskForecast.Forecast;
import holdfast.application.HealthReport.Check;
import holdfast.application.HealthReport.Status;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.port.TaskStorage.Condition;
import holdfast.domain.port.TaskStorage.Room;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How much room is left, and for how long. {@link #look} touches the disk and is called by one
 * thread; all else tells what it saw, on any thread.
 */
final class DiskHealth {
  private static final String NAME = "disk";

  /** So often the reserve must be free, or somebody is told that it soon may not be. */
  private static final int NEARLY_FULL_FACTOR = 2;

  private static final String REMEDY =
      "Free some space: purge tasks with large outputs, delete snapshots or what else lies on that"
          + " disk; or give it more. Nothing is lost, and new tasks are taken again by themselves";

  private final TaskStorage storage;
  private final Map<String, DiskForecast> forecasts = new HashMap<>();
  private final Map<String, Boolean> nearlyFull = new HashMap<>();
  private volatile List<Seen> seen = List.of();

  /**
   * @param forecast null if the disk does not fill, or that is not known yet
   */
  private record Seen(Room room, boolean isNearlyFull, @Nullable Forecast forecast) {

    boolean isFullSoon() {
      return forecast != null && forecast.isSoon();
    }
  }

  DiskHealth(TaskStorage storage) {
    this.storage = storage;
  }

  /** Looks at every place anew. */
  void look(Instant now) {
    long reserve = storage.condition().reserveBytes();
    var all = new ArrayList<Seen>();
    for (Room room : storage.rooms()) {
      all.add(room.trouble() == null ? seen(room, reserve, now) : new Seen(room, false, null));
    }
    seen = List.copyOf(all);
  }

  private Seen seen(Room room, long reserve, Instant now) {
    DiskForecast forecast = forecasts.computeIfAbsent(room.name(), _ -> new DiskForecast());
    forecast.add(now, room.usableBytes());
    boolean before = nearlyFull.getOrDefault(room.name(), false);
    // Above that by an eighth before it is taken back, lest it come and go.
    long limit = NEARLY_FULL_FACTOR * reserve + (before ? reserve / 4 : 0);
    boolean isNearlyFull = room.usableBytes() < limit;
    nearlyFull.put(room.name(), isNearlyFull);
    return new Seen(room, isNearlyFull, forecast.forecast(room.usableBytes() - reserve));
  }

  /** The places as last looked at, without those that could not be. */
  List<Room> rooms() {
    return seen.stream().map(Seen::room).filter(room -> room.trouble() == null).toList();
  }

  Check check() {
    Condition condition = storage.condition();
    List<Seen> all = seen;
    if (condition.scarcity() != null) {
      return new Check(
          NAME,
          Status.UNHEALTHY,
          false,
          condition.scarcity() + "; " + free(all, condition),
          REMEDY);
    }
    for (Seen one : all) {
      if (one.room().trouble() != null) {
        return new Check(
            NAME,
            Status.UNHEALTHY,
            false,
            one.room().place() + ": " + one.room().trouble(),
            "See that the directory is there, belongs to the server's user, and that its disk is"
                + " mounted and answers");
      }
    }
    Seen worst = worst(all);
    return worst == null
        ? new Check(NAME, Status.HEALTHY, false, free(all, condition) + outlook(all), null)
        : new Check(NAME, Status.DEGRADED, false, degraded(worst, condition), REMEDY);
  }

  private static @Nullable Seen worst(List<Seen> all) {
    return all.stream()
        .filter(one -> one.isNearlyFull() || one.isFullSoon())
        .min((one, other) -> Long.compare(one.room().usableBytes(), other.room().usableBytes()))
        .orElse(null);
  }

  private static String degraded(Seen one, Condition condition) {
    Room room = one.room();
    String free = bytes(room.usableBytes()) + " free for " + room.name() + " in " + room.place();
    String reserve = bytes(condition.reserveBytes());
    return one.isFullSoon()
        ? free
            + ": "
            + prediction(Objects.requireNonNull(one.forecast()))
            + " only the reserve of "
            + reserve
            + " is left, and new tasks are refused with 507"
        : free + ": with less than the reserve of " + reserve + " new tasks are refused with 507";
  }

  private static String prediction(Forecast forecast) {
    return "at the rate of the last "
        + rounded(forecast.window())
        + ", in about "
        + rounded(forecast.left());
  }

  private static String free(List<Seen> all, Condition condition) {
    var parts = new ArrayList<String>();
    for (Seen one : all) {
      if (one.room().trouble() == null) {
        parts.add(one.room().name() + " " + bytes(one.room().usableBytes()));
      }
    }
    return "free: "
        + String.join(", ", parts)
        + "; reserve "
        + bytes(condition.reserveBytes())
        + ", ballast "
        + bytes(condition.ballastBytes());
  }

  private static String outlook(List<Seen> all) {
    Seen nearest = null;
    for (Seen one : all) {
      Forecast forecast = one.forecast();
      Forecast least = nearest == null ? null : nearest.forecast();
      if (forecast != null && (least == null || forecast.left().compareTo(least.left()) < 0)) {
        nearest = one;
      }
    }
    return nearest == null
        ? "; not filling up"
        : "; "
            + nearest.room().name()
            + " is full "
            + prediction(Objects.requireNonNull(nearest.forecast()));
  }

  /** In words of people: 90 minutes, 30 hours, 12 days. */
  static String rounded(Duration time) {
    if (time.toMinutes() < 120) {
      return time.toMinutes() + " minutes";
    }
    return time.toHours() < 72 ? time.toHours() + " hours" : time.toDays() + " days";
  }

  static String bytes(long bytes) {
    long mib = bytes >> 20;
    return mib < 10_240 ? mib + " MiB" : (mib >> 10) + " GiB";
  }
}
