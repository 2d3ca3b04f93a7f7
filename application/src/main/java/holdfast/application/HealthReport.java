package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.TaskStorage.Room;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How the server is, in its own words. A look from whatever thread notes which components have
 * changed: once in the event log, and once in a feed. One thread of its own looks each second, also
 * at the disk; all others never touch it.
 */
public final class HealthReport implements AutoCloseable {
  private static final Duration LOOKS_EVERY = Duration.ofSeconds(1);
  private static final String CHANGED = "health-changed";

  /** Where a component is that nobody has looked at yet. */
  private static final String STARTING = "starting";

  /** Where connections to clients are shown: where people know them to be. */
  private static final int SOCKETS_PLACE = 4;

  private final Core core;
  private final DiskHealth disk;
  private final List<Supplier<Check>> components;
  private final CompactedFeed<Component> feed;
  private final Background thread = new Background("holdfast-health");
  private final ReentrantLock looking = new ReentrantLock();
  private final Map<String, Component> last = new HashMap<>();
  private volatile Supplier<Check> sockets =
      () -> new Check("websocket", Status.HEALTHY, false, "no connections are taken yet", null);

  /** How a component or the server is, from best to worst. */
  public enum Status {
    /** It does its work. */
    HEALTHY,
    /** It does its work for now, and somebody should look after it. */
    DEGRADED,
    /** It does not do its work. */
    UNHEALTHY;

    /** As it is written in answers and logs. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One part of the server.
   *
   * @param blocking whether the server is not ready because of it
   * @param message what it does, or why it is not healthy
   * @param remedy what to do if it is not healthy; null if it is
   */
  public record Check(
      String name, Status status, boolean blocking, String message, @Nullable String remedy) {

    public boolean up() {
      return status == Status.HEALTHY;
    }

    static Check of(String name, @Nullable Trouble trouble, String otherwise) {
      return trouble == null
          ? new Check(name, Status.HEALTHY, false, otherwise, null)
          : new Check(name, Status.DEGRADED, false, trouble.why(), trouble.remedy());
    }
  }

  /**
   * One part of the server, and since when it has been as it is.
   *
   * @param since when its status last changed, as far as this start knows
   */
  public record Component(Check check, Instant since) {}

  HealthReport(
      Core core, DiskHealth disk, List<Supplier<Check>> components, CompactedFeed<Component> feed) {
    this.core = core;
    this.disk = disk;
    var all = new ArrayList<Supplier<Check>>(components);
    all.add(SOCKETS_PLACE, () -> sockets.get());
    this.components = List.copyOf(all);
    this.feed = feed;
  }

  /** Looks at everything now, and then every second. */
  void start() {
    lookAround();
    thread.every(LOOKS_EVERY, this::lookAround);
  }

  private void lookAround() {
    try {
      disk.look(core.clock().instant());
      look();
    } catch (RuntimeException e) {
      // Whatever it was, the next look must come.
      core.log(Category.ERROR, "health-failed", Map.of("error", String.valueOf(e.getMessage())));
    }
  }

  /** Sets what tells how the connections to clients are. */
  public void watchSockets(Supplier<Check> check) {
    sockets = check;
  }

  /** Status changes, by component. A start posts every component once. */
  public CompactedFeed<Component> feed() {
    return feed;
  }

  /** Whether the server does what it is there for: storage is sound and no shutdown has begun. */
  public boolean ready() {
    return checks().stream().noneMatch(Check::blocking);
  }

  /** Every part, in a fixed order. */
  public List<Check> checks() {
    return look().stream().map(Component::check).toList();
  }

  /** The worst of these. */
  public static Status worst(List<Component> components) {
    return components.stream()
        .map(component -> component.check().status())
        .max(Status::compareTo)
        .orElse(Status.HEALTHY);
  }

  /** The room as it was last looked at, without places that could not be. */
  List<Room> rooms() {
    return disk.rooms();
  }

  /** Every part as it is now. What has changed since the last look is noted before it is told. */
  public List<Component> look() {
    looking.lock();
    try {
      var all = new ArrayList<Component>();
      for (Supplier<Check> component : components) {
        all.add(noted(component.get()));
      }
      return all;
    } finally {
      looking.unlock();
    }
  }

  private Component noted(Check check) {
    Component before = last.get(check.name());
    boolean isChanged = before == null || before.check().status() != check.status();
    Instant since = isChanged || before == null ? core.clock().instant() : before.since();
    var now = new Component(check, since);
    last.put(check.name(), now);
    if (isChanged) {
      feed.put(check.name(), now, CHANGED);
      if (before != null || !check.up()) {
        core.log(Category.SYSTEM, CHANGED, transition(before, check));
      }
    }
    return now;
  }

  private static Map<String, Object> transition(@Nullable Component before, Check check) {
    return Map.of(
        "component",
        check.name(),
        "from",
        before == null ? STARTING : before.check().status().label(),
        "to",
        check.status().label(),
        "reason",
        check.message(),
        "remedy",
        check.remedy() == null ? "nothing" : check.remedy());
  }

  @Override
  public void close() {
    thread.close();
  }
}
