package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.Subscription.Start;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An image is the state as of one seq, whatever changes while it is copied. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class StateImageTest {
  /** What can happen to the small state: something new, changed and gone of every kind. */
  private static final List<Function<RecordedHistory, Committed>> CHANGES =
      List.of(
          history -> history.submit("new"),
          history -> history.submit("bound"),
          history -> history.patch(0),
          history -> history.purge(0),
          history -> history.initiative(1),
          history -> history.initiative(2),
          history -> history.deleteInitiative(0));

  private static final int LENGTH = 3;

  /** More than the steps that it takes to copy the small state one by one. */
  private static final int PLACES = 5;

  /** How many copies are to meet with changes, and how often that is tried. */
  private static final int AMIDST = 15;

  private static final int TRIES = 20_000;

  private long cases;

  @Test
  void everyThreeChangesBetweenAnyTwoStepsOfTheCopyLeaveTheImageAsItWas() {
    for (int first = 0; first < CHANGES.size(); first++) {
      for (int second = 0; second < CHANGES.size(); second++) {
        for (int third = 0; third < CHANGES.size(); third++) {
          atEveryPlace(new int[] {first, second, third});
        }
      }
    }
    assertTrue(cases > 10_000, "only " + cases);
  }

  private void atEveryPlace(int[] changes) {
    for (int a = 0; a < PLACES; a++) {
      for (int b = a; b < PLACES; b++) {
        for (int c = b; c < PLACES; c++) {
          check(changes, new int[] {a, b, c});
          cases++;
        }
      }
    }
  }

  /** Two images, the second one opened after the first change; a step is one entry of each kind. */
  private static void check(int[] changes, int[] places) {
    var history = new RecordedHistory();
    LiveState state = small(history);
    OpenImage early = state.open();
    OpenImage late = null;
    int next = 0;
    for (int place = 0; place < PLACES; place++) {
      while (next < LENGTH && places[next] == place) {
        state.apply(CHANGES.get(changes[next]).apply(history));
        next++;
        late = late == null ? state.open() : late;
      }
      early.copy(1);
      if (late != null) {
        late.copy(1);
      }
    }
    for (OpenImage image : late == null ? List.of(early) : List.of(early, late)) {
      while (image.copy(1)) {
        // To its end.
      }
      image.close();
      assertEquals(
          history.upTo(image.seq()),
          RecordedHistory.sorted(image.finished(SampleTasks.NOON)),
          () -> "changes " + List.of(changes[0], changes[1], changes[2]) + " at " + places[0]);
    }
  }

  private static LiveState small(RecordedHistory history) {
    LiveState state = RecordedHistory.emptyState();
    history.submit("bound");
    for (int i = 0; i < 6; i++) {
      history.submit(null);
    }
    history.purge(6);
    for (int number = 1; number < 6; number++) {
      history.initiative(number);
    }
    history.deleteInitiative(4);
    history.changes().forEach(state::apply);
    return state;
  }

  /** Applies random changes in batches until told to stop. */
  private static final class Writer {
    private final EventFeed feed = new EventFeed();
    private final RecordedHistory history = new RecordedHistory();
    private final LiveState state = RecordedHistory.emptyState();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final Random random;
    private final Thread thread;

    Writer(long seed, int before) {
      random = new Random(seed);
      feed.begin(state);
      write(before);
      thread =
          Thread.ofPlatform()
              .start(
                  () -> {
                    while (!stop.get()) {
                      write(1 + random.nextInt(32));
                    }
                  });
    }

    private void write(int count) {
      var batch = new ArrayList<Committed>();
      for (int i = 0; i < count; i++) {
        batch.add(history.next(random));
      }
      feed.committed(batch);
    }

    RecordedHistory stop() throws InterruptedException {
      stop.set(true);
      thread.join();
      return history;
    }
  }

  private static long seed() {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("StateImageTest seed " + seed);
    return seed;
  }

  @Test
  void imagesTakenUnderHeavyWritesEqualTheFoldOfTheChangesUpToTheirSeq() throws Exception {
    var writer = new Writer(seed(), 20_000);
    var images = new ArrayList<StateImage>();
    for (int i = 0; i < TRIES && images.size() < AMIDST; i++) {
      StateImage image = writer.feed.image(SampleTasks.NOON);
      if (writer.state.seq() > image.seq()) {
        images.add(image);
      }
    }
    RecordedHistory history = writer.stop();
    assertEquals(AMIDST, images.size(), "images while which something changed");
    for (StateImage image : images) {
      assertTrue(
          history.upTo(image.seq()).equals(RecordedHistory.sorted(image)),
          "the image of seq " + image.seq() + " differs");
    }
  }

  @Test
  void whoSubscribesUnderHeavyWritesHasTheStateOfOneSeqAndEveryLaterChange() throws Exception {
    var writer = new Writer(seed(), 20_000);
    var starts = new ArrayList<Start.Snapshot>();
    var ends = new ArrayList<Long>();
    var seen = new ArrayList<Map<EntityKey, Stored<Task>>>();
    for (int i = 0; i < TRIES && starts.size() < AMIDST; i++) {
      try (Subscription subscription =
          writer.feed.subscribe(EventFeed.Topic.TASKS, FeedFilter.ALL, null, () -> {})) {
        var start = assertInstanceOf(Start.Snapshot.class, subscription.start());
        if (writer.state.seq() > start.seq()) {
          Await.until("more came", () -> writer.state.seq() > start.seq() + 100);
          starts.add(start);
          List<FeedEvent> events = subscription.poll(Integer.MAX_VALUE);
          seen.add(followed(start, events));
          ends.add(events.getLast().seq());
        }
      }
    }
    RecordedHistory history = writer.stop();
    assertEquals(AMIDST, starts.size(), "subscriptions while which something changed");
    for (int i = 0; i < starts.size(); i++) {
      Start.Snapshot start = starts.get(i);
      assertTrue(
          bySeq(history.upTo(start.seq()).tasks()).equals(tasks(start)),
          "the snapshot at seq " + start.seq());
      assertTrue(
          bySeq(history.upTo(ends.get(i)).tasks()).equals(bySeq(seen.get(i).values())),
          "the snapshot at seq " + start.seq() + " and what came up to " + ends.get(i));
    }
  }

  private static List<Stored<Task>> bySeq(Collection<Stored<Task>> tasks) {
    return tasks.stream().sorted(Comparator.comparingLong(Stored::seq)).toList();
  }

  private static List<Stored<Task>> tasks(Start.Snapshot start) {
    return start.items().stream().map(item -> ((FeedItem.TaskItem) item).task()).toList();
  }

  /** What a client has that began with {@code start} and took in every event. */
  private static Map<EntityKey, Stored<Task>> followed(
      Start.Snapshot start, List<FeedEvent> events) {
    var tasks = new HashMap<EntityKey, Stored<Task>>();
    tasks(start).forEach(task -> tasks.put(EntityKey.of(task.entity().id()), task));
    long seq = start.seq();
    for (FeedEvent event : events) {
      assertTrue(event.seq() > seq, "seq " + event.seq() + " behind " + seq);
      seq = event.seq();
      if (event.value() instanceof FeedItem.TaskItem(Stored<Task> task)) {
        tasks.put(event.key(), task);
      } else {
        tasks.remove(event.key());
      }
    }
    return tasks;
  }

  @Test
  void initiativesOfASubscriptionAreThoseOfItsSeq() throws Exception {
    var writer = new Writer(seed(), 5_000);
    var starts = new ArrayList<Start.Snapshot>();
    for (int i = 0; i < 200; i++) {
      try (Subscription subscription =
          writer.feed.subscribe(EventFeed.Topic.INITIATIVES, FeedFilter.ALL, null, () -> {})) {
        starts.add(assertInstanceOf(Start.Snapshot.class, subscription.start()));
      }
    }
    RecordedHistory history = writer.stop();
    for (Start.Snapshot start : starts) {
      List<Initiative> expected =
          history.upTo(start.seq()).initiatives().stream()
              .sorted(Comparator.comparingLong(Stored::seq))
              .map(Stored::entity)
              .toList();
      assertEquals(
          expected,
          start.items().stream()
              .map(item -> ((FeedItem.InitiativeItem) item).view().initiative())
              .toList());
    }
  }
}
