package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.CompactedFeed.Event;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Kept;
import holdfast.domain.port.ConflictStorage;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.InMemoryConflicts;
import holdfast.domain.port.SyncStrategy;
import holdfast.domain.task.TaskId;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class SyncFeedTest {
  private static final EntityKey KEY = EntityKey.of(new TaskId("0".repeat(20)));

  private final InMemoryConflicts kept = new InMemoryConflicts();
  private final CompactedFeed<SyncNote> feed = new CompactedFeed<>(1);
  private final SyncFeed notes = new SyncFeed(feed);

  private static Conflict conflict(int number, boolean resolved) {
    return new Conflict(
        String.format("%013d", number),
        KEY,
        Instant.EPOCH,
        SyncStrategy.MEMORY_WINS,
        Kept.MEMORY,
        resolved,
        null,
        null,
        null,
        null);
  }

  private void save(Conflict conflict) {
    kept.save(conflict);
    notes.conflict(conflict, kept.all());
  }

  @Test
  void whatIsKeptOfEarlierStartsIsPostedOldestFirst() {
    kept.save(conflict(1, true));
    kept.save(conflict(2, false));
    notes.begin(kept.all());
    assertEquals(
        List.of("conflict-settled", "sync-conflict", "started"),
        feed.image().events().stream().map(Event::cause).toList());
    assertFalse(feed.hasForgotten(0));
  }

  @Test
  void conflictsThatAreDroppedForNewerOnesAreTold() {
    notes.begin(kept.all());
    for (int i = 0; i < ConflictStorage.KEPT_MAX; i++) {
      save(conflict(i, i == 5));
    }
    long place = feed.number();
    save(conflict(5_000, false));
    List<Event<SyncNote>> events = feed.after(place, 10);
    assertEquals(2, events.size());
    assertEquals(conflict(5, true).id(), events.getLast().key(), "the oldest settled one");
    assertNull(events.getLast().value());
    assertEquals("conflict-dropped", events.getLast().cause());
  }

  @Test
  void whoMayKnowConflictsThatWereDroppedBeforeThisStartBeginsAnew() {
    for (int i = 0; i < ConflictStorage.KEPT_MAX; i++) {
      kept.save(conflict(i, false));
    }
    long before = feed.number();
    var later = new CompactedFeed<SyncNote>(2);
    new SyncFeed(later).begin(kept.all());
    assertTrue(later.hasForgotten(before));
    assertFalse(later.hasForgotten(later.number()));
  }
}
