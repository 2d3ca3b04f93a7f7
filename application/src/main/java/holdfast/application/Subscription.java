package holdfast.application;

import holdfast.domain.port.EntityKey;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One subscriber's place in the feed. Bounded: events that wait are merged by entity when there are
 * many, and given up when there are too many; either way the subscriber is never shown a gap
 * without being told.
 */
public final class Subscription implements AutoCloseable {
  static final int WAITING_BEFORE_MERGE = 1_024;
  static final int ENTITIES_WAITING_MAX = 8_192;

  private final EventFeed feed;
  private final EventFeed.Topic topic;
  private final FeedFilter filter;
  private final Runnable onAvailable;

  private final ArrayDeque<FeedEvent> waiting = new ArrayDeque<>();
  private int mergeAt = WAITING_BEFORE_MERGE;
  private final String epoch;
  private long seq;
  private @Nullable Reason ended;
  private volatile @Nullable Start start;

  /** How the subscription begins. */
  public sealed interface Start {
    /** With everything as of {@code seq}. */
    record Snapshot(long seq, List<FeedItem> items) implements Start {}

    /** With what has changed up to {@code seq}, oldest first, the last event of each entity. */
    record Resume(long seq, List<FeedEvent> replay) implements Start {}

    /** Not at all: the subscriber must begin anew. */
    record Reset(Reason reason) implements Start {}
  }

  /** Why a subscriber must begin anew. */
  public enum Reason {
    /** History is not the one the subscriber followed. */
    EPOCH,
    /** The changes it missed are no longer known one by one. */
    COMPACTED,
    /** It was too slow. */
    LAGGED
  }

  /**
   * @param from the last change that its beginning has; those behind it are offered
   */
  Subscription(
      EventFeed feed,
      EventFeed.Topic topic,
      FeedFilter filter,
      EventFeed.Since from,
      Runnable onAvailable) {
    this.feed = feed;
    this.topic = topic;
    this.filter = filter;
    epoch = from.epoch();
    seq = from.seq();
    this.onAvailable = onAvailable;
  }

  /** Says how it begins. Called once, before the subscriber has it. */
  void begin(Start beginning) {
    start = beginning;
  }

  public Start start() {
    Start beginning = start;
    if (beginning == null) {
      throw new IllegalStateException("the subscription has not begun");
    }
    return beginning;
  }

  /** The next events, at most {@code max}; empty if none wait. Never blocks. */
  public synchronized List<FeedEvent> poll(int max) {
    if (waiting.isEmpty() || ended != null) {
      return List.of();
    }
    var events = new ArrayList<FeedEvent>(Math.min(max, waiting.size()));
    while (events.size() < max && !waiting.isEmpty()) {
      events.add(waiting.pollFirst());
    }
    // Only when there is room for many more: else each event would cost a merge of all that wait.
    if (waiting.size() < WAITING_BEFORE_MERGE / 2) {
      mergeAt = WAITING_BEFORE_MERGE;
    }
    return events;
  }

  /** Why the rest was given up, or null: send {@code reset} and close. */
  public synchronized @Nullable Reason ended() {
    return ended;
  }

  /** The history that it follows. */
  public String epoch() {
    return epoch;
  }

  /**
   * Everything up to this seq that concerns the subscriber has been polled. Stands still once
   * {@link #ended}, before what was given up.
   */
  public synchronized long seq() {
    return waiting.isEmpty() ? seq : waiting.getFirst().seq() - 1;
  }

  /** Ends the subscription. Idempotent. */
  @Override
  public void close() {
    feed.remove(this);
  }

  /** Takes note of a change. Called under the feed's lock. */
  void offer(LiveState.Applied applied) {
    boolean added = false;
    synchronized (this) {
      if (ended != null) {
        return;
      }
      for (FeedEvent event : applied.events()) {
        if (concerns(event, applied)) {
          waiting.addLast(event);
          added = true;
        }
      }
      if (waiting.size() >= mergeAt) {
        merge();
      }
      if (ended == null) {
        seq = applied.events().getLast().seq();
      }
    }
    if (added) {
      onAvailable.run();
    }
  }

  /**
   * Gives up what waits and whatever comes: its history has ended. Called under the feed's lock.
   */
  void reset(Reason reason) {
    synchronized (this) {
      if (ended == null) {
        giveUp(reason);
      }
    }
    onAvailable.run();
  }

  private void giveUp(Reason reason) {
    seq = waiting.isEmpty() ? seq : waiting.getFirst().seq() - 1;
    waiting.clear();
    ended = reason;
  }

  private boolean concerns(FeedEvent event, LiveState.Applied applied) {
    if ((event.key().kind() == EntityKey.Kind.TASK) != (topic == EventFeed.Topic.TASKS)) {
      return false;
    }
    return switch (event.value()) {
      case FeedItem.InitiativeItem(InitiativeView view) -> EventFeed.concerns(filter, view);
      case FeedItem.TaskItem _ ->
          filter.matches(applied.before()) || filter.matches(applied.after());
      case null ->
          topic == EventFeed.Topic.INITIATIVES
              ? filter.initiative() == null || filter.initiative().value().equals(event.key().id())
              : filter.matches(applied.before());
    };
  }

  /** Keeps the last event of each entity, in order; gives up when even those are too many. */
  private void merge() {
    var seen = new HashSet<EntityKey>();
    var kept = new ArrayList<FeedEvent>(waiting.size());
    for (var newestFirst = waiting.descendingIterator(); newestFirst.hasNext(); ) {
      FeedEvent event = newestFirst.next();
      if (seen.add(event.key())) {
        kept.add(event);
      }
    }
    if (kept.size() > ENTITIES_WAITING_MAX) {
      giveUp(Reason.LAGGED);
      return;
    }
    Collections.reverse(kept);
    waiting.clear();
    waiting.addAll(kept);
    // Doubling keeps the cost of merging linear in the number of events.
    mergeAt = Math.max(WAITING_BEFORE_MERGE, kept.size() * 2);
  }
}
