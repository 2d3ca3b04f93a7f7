package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.EventFeed.Since;
import holdfast.application.EventFeed.Topic;
import holdfast.application.Subscription.Reason;
import holdfast.application.Subscription.Start;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState.Name;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EventFeedTest {
  private static final TaskSpec SPEC = SpecDraft.of("true").spec();

  private Site site = Site.notStarted(1, 3);

  @BeforeEach
  void start() throws InterruptedException {
    site = Site.notStarted(1, 3).start();
  }

  @AfterEach
  void close() {
    site.close();
  }

  private Subscription subscribe(Topic topic, FeedFilter filter, Since since) {
    return site.server().feed().subscribe(topic, filter, since, () -> {});
  }

  private Subscription all() {
    return site.server().feed().subscribe(Topic.TASKS, FeedFilter.ALL, null, () -> {});
  }

  private static List<FeedEvent> drain(Subscription subscription) {
    var events = new ArrayList<FeedEvent>();
    List<FeedEvent> next = subscription.poll(7);
    while (!next.isEmpty()) {
      assertTrue(next.size() <= 7);
      events.addAll(next);
      next = subscription.poll(7);
    }
    return events;
  }

  private static List<String> causes(List<FeedEvent> events) {
    return events.stream().map(FeedEvent::cause).toList();
  }

  @Test
  void aSubscriptionBeginsWithTheStateAndGoesOnWithEveryChange() throws InterruptedException {
    TaskId old = site.hold(SPEC);
    Subscription subscription = all();
    var snapshot = assertInstanceOf(Start.Snapshot.class, subscription.start());
    assertEquals(1, snapshot.seq());
    assertEquals(1, snapshot.items().size());
    site.command(old, new TaskCommand.Cancel());
    TaskId fresh = site.hold(SPEC);
    Site.done(site.tasks().purge(old, null));
    List<FeedEvent> events = drain(subscription);
    assertEquals(List.of("canceled", "submitted", "purged"), causes(events));
    assertEquals(List.of(2L, 3L, 4L), events.stream().map(FeedEvent::seq).toList());
    assertEquals(EntityKey.of(fresh), events.get(1).key());
    assertNull(events.get(2).value());
    assertEquals(4, subscription.seq());
    subscription.close();
    site.hold(SPEC);
    assertEquals(List.of(), subscription.poll(9));
    subscription.close();
  }

  @Test
  void theSeqThatIsPolledTrailsWhatWaits() throws InterruptedException {
    Subscription subscription = all();
    site.hold(SPEC);
    site.hold(SPEC);
    assertEquals(0, subscription.seq());
    assertEquals(1, subscription.poll(1).size());
    assertEquals(1, subscription.seq());
    subscription.poll(1);
    assertEquals(2, subscription.seq());
  }

  @Test
  void whoSubscribesAmidCommitsHasNeitherGapNorDuplicate() throws InterruptedException {
    var stop = new AtomicBoolean();
    var writers = new ArrayList<Thread>();
    for (int i = 0; i < 4; i++) {
      writers.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      while (!stop.get()) {
                        site.hold(SPEC);
                      }
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  }));
    }
    for (int round = 0; round < 60; round++) {
      Subscription subscription = all();
      var snapshot = assertInstanceOf(Start.Snapshot.class, subscription.start());
      assertEquals(snapshot.seq(), snapshot.items().size(), "each change so far made one task");
      Await.until("more came", () -> site.server().state().seq() > snapshot.seq() + 20);
      long expected = snapshot.seq() + 1;
      for (FeedEvent event : drain(subscription)) {
        assertEquals(expected, event.seq());
        expected++;
      }
      assertTrue(expected > snapshot.seq() + 20);
      Subscription resumed =
          subscribe(Topic.TASKS, FeedFilter.ALL, new Since(epoch(), snapshot.seq()));
      var resume = assertInstanceOf(Start.Resume.class, resumed.start());
      long next = snapshot.seq() + 1;
      for (FeedEvent event : resume.replay()) {
        assertEquals(next, event.seq());
        next++;
      }
      assertEquals(resume.seq(), next - 1);
      resumed.close();
      subscription.close();
    }
    stop.set(true);
    for (Thread writer : writers) {
      writer.join();
    }
  }

  private String epoch() {
    return site.server().state().epoch();
  }

  @Test
  void aSlowSubscriberGetsTheLastEventOfEachTaskInOrder() throws InterruptedException {
    var ids = new ArrayList<TaskId>();
    for (int i = 0; i < 10; i++) {
      ids.add(site.hold(SPEC));
    }
    Subscription subscription = all();
    var random = new Random(1);
    for (int i = 0; i < 3 * Subscription.WAITING_BEFORE_MERGE; i++) {
      TaskId id = ids.get(random.nextInt(ids.size()));
      String title = "title " + i;
      Site.done(site.tasks().patch(id, _ -> SpecDraft.of("true").title(title).spec(), null));
    }
    List<FeedEvent> events = drain(subscription);
    assertTrue(events.size() <= Subscription.WAITING_BEFORE_MERGE, "merged");
    long seq = 0;
    var last = new HashMap<EntityKey, FeedEvent>();
    for (FeedEvent event : events) {
      assertTrue(event.seq() > seq);
      seq = event.seq();
      last.put(event.key(), event);
    }
    for (TaskId id : ids) {
      var item = assertInstanceOf(FeedItem.TaskItem.class, last.get(EntityKey.of(id)).value());
      assertEquals(site.task(id), item.task().entity());
    }
  }

  @Test
  void whoIsMuchTooSlowIsToldAndItsSeqStandsStill() throws InterruptedException {
    var told = new AtomicInteger();
    Subscription slow =
        site.server().feed().subscribe(Topic.TASKS, FeedFilter.ALL, null, told::incrementAndGet);
    site.hold(SPEC);
    assertEquals(1, slow.poll(1).size());
    Subscription quick = all();
    long seen = quick.seq();
    while (slow.ended() == null) {
      site.hold(SPEC);
      for (FeedEvent event : quick.poll(1_000)) {
        seen++;
        assertEquals(seen, event.seq(), "the slow one does not disturb the quick one");
      }
      assertTrue(seen < 4L * Subscription.ENTITIES_WAITING_MAX, "nothing is kept without bound");
    }
    assertTrue(told.get() > Subscription.ENTITIES_WAITING_MAX);
    assertEquals(List.of(), slow.poll(9));
    assertEquals(1, slow.seq(), "what was given up was not polled");
    site.hold(SPEC);
    assertEquals(1, slow.seq());
  }

  @Test
  void sinceReplaysWhatChangedAlsoAfterACrash() throws InterruptedException {
    TaskId one = site.hold(SPEC);
    TaskId two = site.hold(SPEC);
    long seq = site.server().state().seq();
    site.command(one, new TaskCommand.Cancel());
    Site.done(site.tasks().purge(one, null));
    TaskId three = site.hold(SPEC);
    for (int i = 0; i < 2; i++) {
      var resume =
          assertInstanceOf(
              Start.Resume.class,
              subscribe(Topic.TASKS, FeedFilter.ALL, new Since(epoch(), seq)).start());
      assertEquals(List.of("purged", "submitted"), causes(resume.replay()));
      assertEquals(EntityKey.of(three), resume.replay().getLast().key());
      assertTrue(
          resume.replay().stream().noneMatch(event -> event.key().equals(EntityKey.of(two))));
      assertEquals(5, resume.seq());
      site.crashAndStart();
    }
  }

  @Test
  void anotherHistoryIsAReset() throws InterruptedException {
    site.hold(SPEC);
    var other = subscribe(Topic.TASKS, FeedFilter.ALL, new Since("epoch-0", 0));
    assertEquals(new Start.Reset(Reason.EPOCH), other.start());
    var future = subscribe(Topic.TASKS, FeedFilter.ALL, new Since(epoch(), 2));
    assertEquals(new Start.Reset(Reason.EPOCH), future.start());
    var present = subscribe(Topic.TASKS, FeedFilter.ALL, new Since(epoch(), 1));
    assertEquals(new Start.Resume(1, List.of()), present.start());
  }

  @Test
  void leavingTheFilterIsToldOnceAndWhatIsOutsideIsNot() throws InterruptedException {
    TaskId id = site.hold(SPEC);
    TaskId other = site.hold(SPEC);
    var held = new FeedFilter(null, null, Set.of(Name.HELD));
    Subscription subscription = subscribe(Topic.TASKS, held, null);
    site.command(id, new TaskCommand.Cancel());
    Site.done(site.tasks().patch(id, _ -> SpecDraft.of("true").title("x").spec(), null));
    Site.done(site.tasks().purge(id, null));
    List<FeedEvent> events = drain(subscription);
    assertEquals(List.of("canceled"), causes(events));
    assertEquals(site.server().state().seq(), subscription.seq(), "it has moved on nevertheless");

    var one = new FeedFilter(other, null, Set.of());
    Subscription single = subscribe(Topic.TASKS, one, null);
    assertEquals(1, assertInstanceOf(Start.Snapshot.class, single.start()).items().size());
    site.hold(SPEC);
    site.command(other, new TaskCommand.Cancel());
    Site.done(site.tasks().purge(other, null));
    assertEquals(List.of("canceled", "purged"), causes(drain(single)));
    var gone = subscribe(Topic.TASKS, one, null);
    assertEquals(0, assertInstanceOf(Start.Snapshot.class, gone.start()).items().size());
  }

  @Test
  void initiativesAreToldOfTheirTasks() throws InterruptedException {
    InitiativeId id =
        Site.done(site.tasks().createInitiative(new InitiativeSpec("g", "", Map.of()), null))
            .initiative()
            .id();
    InitiativeId other =
        Site.done(site.tasks().createInitiative(new InitiativeSpec("h", "", Map.of()), null))
            .initiative()
            .id();
    Subscription subscription = subscribe(Topic.INITIATIVES, FeedFilter.ALL, null);
    assertEquals(2, assertInstanceOf(Start.Snapshot.class, subscription.start()).items().size());
    Subscription single = subscribe(Topic.INITIATIVES, new FeedFilter(null, other, Set.of()), null);
    TaskId task = site.hold(SpecDraft.of("true").initiative(id.value()).spec());
    Site.done(
        site.tasks()
            .patch(
                task,
                spec -> SpecDraft.of("true").initiative(spec.initiative()).title("x").spec(),
                null));
    site.command(task, new TaskCommand.Cancel());
    long beforePurge = site.server().state().seq();
    Site.done(site.tasks().purge(task, null));
    List<FeedEvent> events = drain(subscription);
    assertEquals(List.of(3L, 5L, 6L), events.stream().map(FeedEvent::seq).toList());
    assertEquals(Map.of(Name.HELD, 1), counts(events.get(0)));
    assertEquals(Map.of(Name.CANCELED, 1), counts(events.get(1)));
    assertEquals(Map.of(), counts(events.get(2)));
    assertEquals(List.of(), drain(single));

    site.crashAndStart();
    var resume =
        assertInstanceOf(
            Start.Resume.class,
            subscribe(Topic.INITIATIVES, FeedFilter.ALL, new Since(epoch(), beforePurge)).start());
    assertTrue(
        resume.replay().stream()
            .anyMatch(e -> e.key().equals(EntityKey.of(id)) && counts(e).isEmpty()),
        "a purge that came before a crash is seen in the count after it");
    Site.done(site.tasks().deleteInitiative(id, null));
    var late = subscribe(Topic.INITIATIVES, FeedFilter.ALL, new Since(epoch(), resume.seq()));
    assertEquals(
        List.of("deleted"), causes(assertInstanceOf(Start.Resume.class, late.start()).replay()));
  }

  private static Map<Name, Integer> counts(FeedEvent event) {
    return assertInstanceOf(FeedItem.InitiativeItem.class, event.value()).view().counts();
  }

  @Test
  void pagesAreStableUnderConcurrentWrites() throws InterruptedException {
    for (int i = 0; i < 25; i++) {
      site.hold(SPEC);
    }
    var seen = new ArrayList<TaskId>();
    Position after = null;
    do {
      Page<Stored<Task>> page = site.server().state().tasks(TaskQuery.ALL, after, 10);
      assertTrue(page.items().size() <= 10);
      page.items().forEach(stored -> seen.add(stored.entity().id()));
      after = page.next();
      site.hold(SPEC);
    } while (after != null);
    assertEquals(25, seen.size());
    assertEquals(25, Set.copyOf(seen).size());
    var query = new TaskQuery(Set.of(Name.HELD), null, "TRU");
    assertEquals(1, site.server().state().tasks(query, null, 1).items().size());
    var none = new TaskQuery(Set.of(Name.LOST), null, null);
    assertEquals(List.of(), site.server().state().tasks(none, null, 9).items());
  }
}
