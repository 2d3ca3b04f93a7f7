package holdfast.adapters.web;

import holdfast.application.EventFeed;
import holdfast.application.Subscription;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import holdfast.domain.port.EventLogReader.Tail;
import org.jspecify.annotations.Nullable;

/**
 * One client's subscription to lines of the event log. It has a place in the log and nothing else:
 * whoever is slow is sent from the files what others were sent long ago, and costs the log nothing.
 * Only if the files have gone meanwhile is there a reset.
 */
final class LogSubscription extends PulledSubscription {
  private static final int EVENTS_AT_ONCE = 64;

  private final EventLogReader log;
  private final Filter filter;
  private final boolean isOfOtherHistory;
  private final long liveFrom;
  private long reached;
  private long said;
  private boolean live;

  /**
   * @param epoch the present one
   */
  LogSubscription(
      String id,
      EventLogReader log,
      SubscribeMessage.Logs wanted,
      String epoch,
      Resets resets,
      Runnable ended) {
    super(id, resets, ended);
    this.log = log;
    filter = wanted.filter();
    EventFeed.@Nullable Since since = wanted.since();
    liveFrom = log.newest();
    reached = since == null ? liveFrom : since.seq();
    isOfOtherHistory = since != null && (!since.epoch().equals(epoch) || since.seq() > liveFrom);
  }

  /** Begins to call {@code announce} when there may be something to write. Once. */
  void begin(Runnable announce) {
    follow(log::follow, announce);
  }

  @Override
  boolean write(FrameWriter out) {
    if (isOver()) {
      return false;
    }
    if (isOfOtherHistory) {
      return reset(out, Subscription.Reason.EPOCH);
    }
    Tail tail = log.after(filter, reached, EVENTS_AT_ONCE);
    if (tail.removed()) {
      return reset(out, Subscription.Reason.COMPACTED);
    }
    for (Line line : tail.lines()) {
      out.text(frame(line));
      said = line.number();
    }
    reached = tail.reached();
    if (!live && reached >= liveFrom) {
      place(out, "live", reached);
      said = reached;
      live = true;
    } else if (live && takeMark() && reached > said) {
      place(out, "mark", reached);
      said = reached;
    }
    return reached < log.newest();
  }

  private byte[] frame(Line line) {
    var json = new JsonBytes(256 + line.json().length());
    json.ascii("{\"type\":\"event\",\"id\":").text(id()).ascii(",\"seq\":").number(line.number());
    json.ascii(",\"entity\":\"log\",\"op\":\"put\",\"key\":\"").number(line.number());
    json.ascii("\",\"value\":").utf8(line.json());
    return json.ascii(",\"cause\":").text(line.entry().type()).ascii("}").toBytes();
  }
}
