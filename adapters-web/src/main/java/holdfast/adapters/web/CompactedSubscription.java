package holdfast.adapters.web;

import holdfast.application.CompactedFeed;
import holdfast.application.CompactedFeed.Event;
import holdfast.application.CompactedFeed.Image;
import holdfast.application.EventFeed;
import holdfast.application.Subscription;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One client's subscription to a feed that keeps the last event of each key. It has a place in the
 * feed and nothing else: whoever is slow gets the latest of what has changed.
 */
final class CompactedSubscription<V> extends PulledSubscription {
  private static final int EVENTS_AT_ONCE = 64;
  private static final int SNAPSHOT_FRAME_BYTES = 128 * 1024;

  private final CompactedFeed<V> feed;
  private final Face<V> face;
  private final String epoch;
  private final boolean isOfOtherHistory;
  private final long liveFrom;
  private Iterator<Event<V>> snapshot = List.<Event<V>>of().iterator();
  private boolean snapshotDue;
  private long reached;
  private boolean live;

  /** What a topic's events look like. */
  interface Face<V> {
    /** What kind of thing a key names. */
    String entity(String key);

    byte[] value(V value);

    /** The same in a list. */
    byte[] item(String key, V value);
  }

  /**
   * @param resets told of a reset
   * @param ended called once the subscription is over by itself
   */
  CompactedSubscription(
      String id,
      CompactedFeed<V> feed,
      Face<V> face,
      Beginning beginning,
      Resets resets,
      Runnable ended) {
    super(id, resets, ended);
    this.feed = feed;
    this.face = face;
    epoch = beginning.epoch();
    EventFeed.Since since = beginning.since();
    if (since == null) {
      Image<V> image = feed.image();
      liveFrom = image.number();
      snapshot = image.events().iterator();
      snapshotDue = true;
      reached = liveFrom;
      isOfOtherHistory = false;
    } else {
      liveFrom = feed.number();
      reached = since.seq();
      isOfOtherHistory = !since.epoch().equals(epoch) || since.seq() > liveFrom;
    }
  }

  /**
   * Where it begins.
   *
   * @param since where the client had got to, or null to begin with the list
   * @param epoch the present one
   */
  record Beginning(EventFeed.@Nullable Since since, String epoch) {}

  /** Begins to call {@code announce} when there may be something to write. Once. */
  void begin(Runnable announce) {
    follow(feed::follow, announce);
  }

  @Override
  boolean write(FrameWriter out) {
    if (isOver()) {
      return false;
    }
    if (isOfOtherHistory) {
      return reset(out, Subscription.Reason.EPOCH);
    }
    if (feed.hasForgotten(reached)) {
      return reset(out, live ? Subscription.Reason.LAGGED : Subscription.Reason.COMPACTED);
    }
    if (snapshotDue) {
      out.text(snapshotFrame());
      snapshotDue = snapshot.hasNext();
      return true;
    }
    List<Event<V>> events = feed.after(reached, EVENTS_AT_ONCE);
    for (Event<V> event : events) {
      out.text(eventFrame(event));
      reached = event.number();
    }
    if (!live && reached >= liveFrom) {
      place(out, "live", reached);
      live = true;
    }
    // Each event is sent to everybody, so there is never a place that only a mark could tell of.
    takeMark();
    return events.size() == EVENTS_AT_ONCE;
  }

  private byte[] snapshotFrame() {
    var json = new JsonBytes(SNAPSHOT_FRAME_BYTES / 8);
    json.ascii("{\"type\":\"snapshot\",\"id\":").text(id()).ascii(",\"epoch\":").text(epoch);
    json.ascii(",\"seq\":").number(liveFrom).ascii(",\"items\":[");
    String separator = "";
    while (snapshot.hasNext() && json.length() < SNAPSHOT_FRAME_BYTES) {
      Event<V> event = snapshot.next();
      V value = event.value();
      if (value != null) {
        json.ascii(separator).raw(face.item(event.key(), value));
        separator = ",";
      }
    }
    return json.ascii("],\"more\":").ascii(snapshot.hasNext() ? "true}" : "false}").toBytes();
  }

  private byte[] eventFrame(Event<V> event) {
    V value = event.value();
    byte[] shown = value == null ? "null".getBytes(StandardCharsets.US_ASCII) : face.value(value);
    var json = new JsonBytes(256 + shown.length);
    json.ascii("{\"type\":\"event\",\"id\":").text(id()).ascii(",\"seq\":").number(event.number());
    json.ascii(",\"entity\":\"").ascii(face.entity(event.key()));
    json.ascii(value == null ? "\",\"op\":\"delete\"" : "\",\"op\":\"put\"");
    json.ascii(",\"key\":").text(event.key()).ascii(",\"value\":").raw(shown);
    return json.ascii(",\"cause\":").text(event.cause()).ascii("}").toBytes();
  }
}
