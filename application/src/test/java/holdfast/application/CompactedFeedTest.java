package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.CompactedFeed.Event;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CompactedFeedTest {
  private static List<String> shown(List<Event<String>> events) {
    return events.stream().map(event -> event.key() + "=" + event.value()).toList();
  }

  @Test
  void theLastEventOfEachKeyIsKeptInOrder() {
    var feed = new CompactedFeed<String>(7);
    feed.put("a", "1", "put");
    long place = feed.number();
    feed.put("b", "1", "put");
    feed.put("a", "2", "put");
    feed.put("c", "1", "put");
    feed.remove("b", "gone");
    assertEquals(List.of("a=2", "c=1", "b=null"), shown(feed.after(place, 10)));
    assertEquals(List.of("a=2", "c=1"), shown(feed.image().events()));
    assertEquals(feed.number(), feed.image().number());
    assertEquals(List.of("a=2"), shown(feed.after(place, 1)));
    assertEquals(List.of(), feed.after(feed.number(), 10));
  }

  @Test
  void placesOfAnEarlierStartAreBehindEverythingOfALaterOne() {
    var earlier = new CompactedFeed<String>(7);
    for (int i = 0; i < 1_000; i++) {
      earlier.put("a", "" + i, "put");
    }
    var later = new CompactedFeed<String>(8);
    later.put("a", "anew", "put");
    assertEquals(List.of("a=anew"), shown(later.after(earlier.number(), 10)));
    assertFalse(later.hasForgotten(earlier.number()));
    assertTrue(later.number() < 1L << 53, "exact in JSON");
  }

  @Test
  void whoeverMayHaveMissedARemovalIsTold() {
    var feed = new CompactedFeed<String>(1);
    feed.put("first", "1", "put");
    long place = feed.number();
    for (int i = 0; i < 1_001; i++) {
      feed.put("key" + i, "1", "put");
      feed.remove("key" + i, "gone");
    }
    assertTrue(feed.hasForgotten(place));
    assertFalse(feed.hasForgotten(feed.number()));
    assertEquals(List.of("first=1"), shown(feed.image().events()));
    var next = new CompactedFeed<String>(2);
    next.forgetRemovals();
    next.put("first", "1", "put");
    assertTrue(next.hasForgotten(feed.number()));
    assertFalse(next.hasForgotten(next.number()));
  }

  @Test
  void whoeverFollowsFromAnywhereEndsWithWhatThereIs() {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("CompactedFeedTest seed " + seed);
    var random = new Random(seed);
    var feed = new CompactedFeed<String>(1);
    var told = new AtomicInteger();
    Runnable unfollow = feed.follow(told::incrementAndGet);
    var truth = new HashMap<String, String>();
    var views = new ArrayList<Map<String, String>>();
    var places = new ArrayList<Long>();
    for (int i = 0; i < 3; i++) {
      views.add(new HashMap<>());
      places.add(feed.number());
    }
    for (int i = 0; i < 2_000; i++) {
      String key = "k" + random.nextInt(40);
      if (random.nextInt(4) == 0) {
        feed.remove(key, "gone");
        truth.remove(key);
      } else {
        feed.put(key, "" + i, "put");
        truth.put(key, "" + i);
      }
      int one = random.nextInt(20);
      if (one < 3) {
        catchUp(feed, views.get(one), places, one, 1 + random.nextInt(30));
      }
    }
    for (int one = 0; one < 3; one++) {
      while (places.get(one) < feed.number()) {
        catchUp(feed, views.get(one), places, one, 7);
      }
      assertEquals(truth, views.get(one), "seed " + seed);
    }
    assertEquals(2_000, told.get());
    unfollow.run();
    feed.put("a", "1", "put");
    assertEquals(2_000, told.get());
  }

  private static void catchUp(
      CompactedFeed<String> feed, Map<String, String> view, List<Long> places, int one, int limit) {
    for (Event<String> event : feed.after(places.get(one), limit)) {
      assertTrue(event.number() > places.get(one), "twice, or out of order");
      String value = event.value();
      if (value == null) {
        view.remove(event.key());
      } else {
        view.put(event.key(), value);
      }
      places.set(one, event.number());
    }
  }
}
