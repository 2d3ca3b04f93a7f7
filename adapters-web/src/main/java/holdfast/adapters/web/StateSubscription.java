package holdfast.adapters.web;

import holdfast.application.FeedEvent;
import holdfast.application.FeedItem;
import holdfast.application.InitiativeView;
import holdfast.application.Subscription;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.util.Iterator;
import java.util.List;

/**
 * One client's subscription to tasks or initiatives: the list or the replay first, then {@code
 * live}, then every change. The socket's writer pulls from it; nothing waits here but what the feed
 * itself keeps, merged by entity, for those who are slow.
 */
final class StateSubscription extends PulledSubscription {
  private static final int EVENTS_AT_ONCE = 64;
  private static final int SNAPSHOT_FRAME_BYTES = 128 * 1024;

  private final Subscription subscription;
  private final Rendering rendering;
  private Iterator<FeedItem> snapshot = List.<FeedItem>of().iterator();
  private Iterator<FeedEvent> replay = List.<FeedEvent>of().iterator();
  private long startSeq;
  private long sentSeq;
  private boolean snapshotDue;
  private boolean live;

  /**
   * @param resets told of a reset
   * @param ended called once the subscription is over by itself
   */
  StateSubscription(
      String id, Subscription subscription, Rendering rendering, Resets resets, Runnable ended) {
    super(id, resets, ended);
    this.subscription = subscription;
    this.rendering = rendering;
    switch (subscription.start()) {
      case Subscription.Start.Snapshot(long seq, List<FeedItem> items) -> {
        snapshot = items.iterator();
        startSeq = seq;
        snapshotDue = true;
      }
      case Subscription.Start.Resume(long seq, List<FeedEvent> events) -> {
        replay = events.iterator();
        startSeq = seq;
      }
      case Subscription.Start.Reset _ -> startSeq = 0;
    }
  }

  @Override
  void close() {
    super.close();
    subscription.close();
  }

  @Override
  boolean write(FrameWriter out) {
    if (isOver()) {
      return false;
    }
    if (subscription.start() instanceof Subscription.Start.Reset(Subscription.Reason reason)) {
      return reset(out, reason);
    }
    Subscription.Reason over = subscription.ended();
    if (over == Subscription.Reason.EPOCH || (over != null && live)) {
      // What is left of a list that is not in force any more is not worth sending.
      return reset(out, over);
    }
    if (snapshotDue) {
      out.text(snapshotFrame());
      snapshotDue = snapshot.hasNext();
      return true;
    }
    if (!live) {
      return writeReplay(out);
    }
    return writeEvents(out);
  }

  private boolean writeReplay(FrameWriter out) {
    for (int i = 0; i < EVENTS_AT_ONCE && replay.hasNext(); i++) {
      out.text(eventFrame(replay.next()));
    }
    if (!replay.hasNext()) {
      place(out, "live", startSeq);
      sentSeq = startSeq;
      live = true;
    }
    return true;
  }

  private boolean writeEvents(FrameWriter out) {
    List<FeedEvent> events = subscription.poll(EVENTS_AT_ONCE);
    for (FeedEvent event : events) {
      out.text(eventFrame(event));
      sentSeq = event.seq();
    }
    if (events.isEmpty() && takeMark()) {
      long seq = subscription.seq();
      if (seq > sentSeq) {
        place(out, "mark", seq);
        sentSeq = seq;
      }
    }
    return events.size() == EVENTS_AT_ONCE;
  }

  private byte[] snapshotFrame() {
    var json = new JsonBytes(SNAPSHOT_FRAME_BYTES / 8);
    json.ascii("{\"type\":\"snapshot\",\"id\":")
        .text(id())
        .ascii(",\"epoch\":")
        .text(subscription.epoch());
    json.ascii(",\"seq\":").number(startSeq).ascii(",\"items\":[");
    String separator = "";
    while (snapshot.hasNext() && json.length() < SNAPSHOT_FRAME_BYTES) {
      json.ascii(separator).raw(present(snapshot.next()));
      separator = ",";
    }
    return json.ascii("],\"more\":").ascii(snapshot.hasNext() ? "true}" : "false}").toBytes();
  }

  private byte[] eventFrame(FeedEvent event) {
    FeedItem value = event.value();
    byte[] item = value == null ? null : changed(value);
    var json = new JsonBytes(256 + (item == null ? 4 : item.length));
    json.ascii("{\"type\":\"event\",\"id\":").text(id()).ascii(",\"seq\":").number(event.seq());
    json.ascii(",\"entity\":\"").ascii(entity(event.key()));
    json.ascii(item == null ? "\",\"op\":\"delete\"" : "\",\"op\":\"put\"");
    json.ascii(",\"key\":").text(event.key().id()).ascii(",\"value\":");
    if (item == null) {
      json.ascii("null");
    } else {
      json.raw(item);
    }
    return json.ascii(",\"cause\":").text(event.cause()).ascii("}").toBytes();
  }

  private static String entity(EntityKey key) {
    return switch (key.kind()) {
      case TASK -> "task";
      case INITIATIVE -> "initiative";
    };
  }

  /** As it is now, the sizes of outputs included. */
  private byte[] present(FeedItem item) {
    return switch (item) {
      case FeedItem.TaskItem(Stored<Task> task) -> rendering.task(task);
      case FeedItem.InitiativeItem(InitiativeView view) -> Rendering.initiative(view);
    };
  }

  /** As of a change, which every socket that follows is sent alike. */
  private byte[] changed(FeedItem item) {
    return switch (item) {
      case FeedItem.TaskItem(Stored<Task> task) -> rendering.taskEvent(task);
      case FeedItem.InitiativeItem(InitiativeView view) -> Rendering.initiative(view);
    };
  }
}
