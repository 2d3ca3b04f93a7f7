package holdfast.application;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.CommitFeed;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Applies what storage has committed to {@link LiveState} and tells everybody who wants to know.
 *
 * <p>Application and registration share one lock: a subscriber gets the state at some seq and every
 * later change, with no gap and no duplicate. What is large, a copy of the whole state, is only
 * begun under it; see {@link ImagedMap}.
 */
public final class EventFeed implements CommitFeed {
  private static final int COPIED_AT_ONCE = 4_096;

  private final ReentrantLock lock = new ReentrantLock();
  private final List<Subscription> subscriptions = new ArrayList<>();
  private final List<Consumer<Committed>> commitObservers = new CopyOnWriteArrayList<>();
  private final List<Consumer<TaskChange>> taskObservers = new CopyOnWriteArrayList<>();
  private volatile @Nullable LiveState state;

  /** A feed that has not begun: {@link #begin} gives it its state. */
  public EventFeed() {}

  /** Which kind of entity a subscription is about. */
  public enum Topic {
    TASKS,
    INITIATIVES
  }

  /** Where a subscriber had got to. */
  public record Since(String epoch, long seq) {}

  /** Begins with the state that storage recovered. Called once, before the first commit. */
  public void begin(LiveState recovered) {
    state = recovered;
  }

  /**
   * Puts another state in the place of the present one, as a whole: whoever follows is told to
   * begin anew. Nothing may be on its way from storage meanwhile.
   */
  void replace(LiveState another) {
    lock.lock();
    try {
      // Before the new state can be seen: nobody takes an item of the old one for one of it.
      subscriptions.forEach(subscription -> subscription.reset(Subscription.Reason.EPOCH));
      subscriptions.clear();
      state = another;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Adds an observer of every committed change, called after the state has taken it in, on the
   * storage's thread, in order. It must neither block nor throw.
   */
  void observeCommits(Consumer<Committed> observer) {
    commitObservers.add(observer);
  }

  /** Adds an observer of every committed change of a task, on the same terms. */
  void observeTasks(Consumer<TaskChange> observer) {
    taskObservers.add(observer);
  }

  @Override
  public void committed(List<Committed> changes) {
    var seen = new ArrayList<TaskChange>(changes.size());
    lock.lock();
    try {
      LiveState current = state();
      for (Committed committed : changes) {
        LiveState.Applied applied = current.apply(committed);
        for (Subscription subscription : subscriptions) {
          subscription.offer(applied);
        }
        if (committed.change().key().kind() == EntityKey.Kind.TASK) {
          seen.add(
              new TaskChange(
                  committed.seq(),
                  committed.change().cause(),
                  committed.change().at(),
                  applied.before(),
                  applied.after()));
        }
      }
    } finally {
      lock.unlock();
    }
    for (Consumer<Committed> observer : commitObservers) {
      changes.forEach(observer);
    }
    for (Consumer<TaskChange> observer : taskObservers) {
      seen.forEach(observer);
    }
  }

  /**
   * Begins to follow a topic.
   *
   * @param since where the subscriber had got to, or null to begin with the whole state
   * @param onAvailable called on the storage's thread when {@link Subscription#poll} has something
   *     to give, perhaps before this returns; must neither block nor throw
   */
  public Subscription subscribe(
      Topic topic, FeedFilter filter, @Nullable Since since, Runnable onAvailable) {
    Supplier<Subscription.Start> beginning;
    Subscription subscription;
    lock.lock();
    try {
      LiveState current = state();
      subscription =
          new Subscription(
              this, topic, filter, new Since(current.epoch(), current.seq()), onAvailable);
      if (since != null && isOfOtherHistory(since, current)) {
        subscription.begin(new Subscription.Start.Reset(Subscription.Reason.EPOCH));
        return subscription;
      }
      subscriptions.add(subscription);
      beginning =
          since == null
              ? snapshot(current, topic, filter)
              : resumption(current, topic, filter, since);
    } finally {
      lock.unlock();
    }
    boolean begun = false;
    try {
      subscription.begin(beginning.get());
      begun = true;
      return subscription;
    } finally {
      if (!begun) {
        remove(subscription);
      }
    }
  }

  private static boolean isOfOtherHistory(Since since, LiveState current) {
    return !since.epoch().equals(current.epoch()) || since.seq() > current.seq();
  }

  /** The whole state as of one change. Those that come meanwhile do not wait. */
  StateImage image(Instant at) {
    OpenImage image;
    lock.lock();
    try {
      image = state().open();
    } finally {
      lock.unlock();
    }
    copied(image::copy, image::close);
    return image.finished(at);
  }

  /** Copies an image to its end, or not, and closes it. */
  private void copied(IntPredicate copy, Runnable close) {
    try {
      while (copy.test(COPIED_AT_ONCE)) {
        // Nothing is held meanwhile.
      }
    } finally {
      lock.lock();
      try {
        close.run();
      } finally {
        lock.unlock();
      }
    }
  }

  void remove(Subscription subscription) {
    lock.lock();
    try {
      subscriptions.remove(subscription);
    } finally {
      lock.unlock();
    }
  }

  private static Supplier<Subscription.Start> resumption(
      LiveState current, Topic topic, FeedFilter filter, Since since) {
    List<FeedEvent> replay =
        current.changedSince(since.seq()).stream()
            .filter(event -> concerns(topic, filter, event))
            .toList();
    var start = new Subscription.Start.Resume(current.seq(), replay);
    return () -> start;
  }

  /** Called under the lock; what it returns is called when nobody waits for that any more. */
  private Supplier<Subscription.Start> snapshot(LiveState current, Topic topic, FeedFilter filter) {
    long seq = current.seq();
    TaskId only = filter.task();
    if (topic == Topic.TASKS && only != null) {
      List<FeedItem> items =
          current.task(only) instanceof Lookup.Found<Stored<Task>>(var stored)
                  && filter.matches(stored.entity())
              ? List.of(new FeedItem.TaskItem(stored))
              : List.of();
      return () -> new Subscription.Start.Snapshot(seq, items);
    }
    return switch (topic) {
      case TASKS -> {
        var image = current.openTasks();
        yield () -> new Subscription.Start.Snapshot(seq, tasks(image, filter));
      }
      case INITIATIVES -> {
        var image = current.openInitiatives();
        yield () -> new Subscription.Start.Snapshot(seq, initiatives(image, filter));
      }
    };
  }

  private List<FeedItem> tasks(ImagedMap<TaskId, Stored<Task>>.Image image, FeedFilter filter) {
    copied(image::copy, image::close);
    return image.values().stream()
        .filter(stored -> filter.matches(stored.entity()))
        .sorted(Comparator.comparingLong(Stored::seq))
        .<FeedItem>map(FeedItem.TaskItem::new)
        .toList();
  }

  private List<FeedItem> initiatives(
      ImagedMap<InitiativeId, InitiativeView>.Image image, FeedFilter filter) {
    copied(image::copy, image::close);
    return image.values().stream()
        .filter(view -> concerns(filter, view))
        .sorted(Comparator.comparingLong(InitiativeView::seq))
        .<FeedItem>map(FeedItem.InitiativeItem::new)
        .toList();
  }

  private static boolean concerns(Topic topic, FeedFilter filter, FeedEvent event) {
    if ((event.key().kind() == EntityKey.Kind.TASK) != (topic == Topic.TASKS)) {
      return false;
    }
    return switch (event.value()) {
      // What a purged task was is not known any more, so its end is told to all but those who
      // asked for another one by name.
      case null -> filter.task() == null || filter.task().value().equals(event.key().id());
      case FeedItem.TaskItem(Stored<Task> stored) -> filter.mayHaveMatched(stored.entity());
      case FeedItem.InitiativeItem(InitiativeView view) -> concerns(filter, view);
    };
  }

  static boolean concerns(FeedFilter filter, InitiativeView view) {
    return filter.initiative() == null || filter.initiative().equals(view.initiative().id());
  }

  /** The state in force. */
  LiveState state() {
    LiveState current = state;
    if (current == null) {
      throw new IllegalStateException("the feed has not begun: the state is not recovered yet");
    }
    return current;
  }
}
