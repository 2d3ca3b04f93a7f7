package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.Position;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The small rules of HTTP, each by itself. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WebRulesTest {
  private static final ByteRange.Reading EVERYTHING = new ByteRange.Reading.Everything();
  private static final ByteRange.Reading NOTHING = new ByteRange.Reading.Unsatisfiable();

  private static ByteRange.Reading part(long from, long to) {
    return new ByteRange.Reading.Part(new ByteRange(from, to));
  }

  @Test
  void ranges() {
    assertEquals(part(0, 10), ByteRange.read("bytes=0-", 10));
    assertEquals(part(9, 10), ByteRange.read("Bytes=9-9", 10));
    assertEquals(part(0, 10), ByteRange.read("bytes=-20", 10));
    assertEquals(part(3, 10), ByteRange.read("bytes= 3-99999999999999999999 ", 10));
    assertEquals(NOTHING, ByteRange.read("bytes=10-", 10));
    assertEquals(NOTHING, ByteRange.read("bytes=-0", 10));
    assertEquals(NOTHING, ByteRange.read("bytes=0-", 0));
    for (String odd :
        List.of(
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=1",
            "x=1-2",
            "bytes=1-2,4-5",
            "bytes=--1")) {
      assertEquals(EVERYTHING, ByteRange.read(odd, 10), odd);
    }
    assertEquals(EVERYTHING, ByteRange.read(null, 10));
  }

  @Test
  void cursorsReturnToTheirPlaceAndGarbageIsRefused() {
    var place =
        new Position(Instant.parse("2026-11-23T03:04:05.000000006Z"), "0123456789abcdefghjk");
    assertEquals(place, Cursor.position(Cursor.of(place)));
    assertEquals(77, Cursor.seq(Cursor.of(77)));
    for (String bad : List.of("", "x", "====", Cursor.of(5), Cursor.of(place) + "A", "\u00e4")) {
      assertThrows(RefusedException.class, () -> Cursor.position(bad), bad);
    }
    assertThrows(RefusedException.class, () -> Cursor.seq(Cursor.of(place)));
    assertThrows(RefusedException.class, () -> Cursor.seq(Cursor.of(-1)));
  }

  @Test
  void queriesAreKnownOnceAndDecodable() {
    Query query = Query.parse("a=1&b=x%20y+z%C3%A4&c", Set.of("a", "b", "c"));
    assertEquals(1, query.number("a", 0, 1, 9));
    assertEquals("x y z\u00e4", query.text("b"));
    assertNull(query.text("c"));
    for (String bad :
        List.of("d=1", "a=1&a=2", "a=%", "a=%4", "a=%g0", "a=%ff", "%61=1&a=1", "a=%00", "&")) {
      assertThrows(RefusedException.class, () -> Query.parse(bad, Set.of("a")), bad);
    }
  }

  @Test
  void preconditions() {
    assertEquals(3L, Precondition.ifMatch("\"3\"").expected(7));
    assertEquals(7L, Precondition.ifMatch("\"3\", \"7\"").expected(7));
    assertNull(Precondition.ifMatch("*").expected(7));
    assertEquals(-1L, Precondition.ifMatch("W/\"7\"").expected(7));
    assertEquals(-1L, Precondition.ifMatch("\"seven\"").expected(7));
    assertThrows(RefusedException.class, () -> Precondition.ifMatch("7"));
    assertThrows(RefusedException.class, () -> Precondition.ifMatch(""));
    assertTrue(Precondition.noneMatchNames("W/\"7\"", 7));
    assertTrue(Precondition.noneMatchNames("*", 7));
    assertFalse(Precondition.noneMatchNames("\"07\"", 7));
  }

  @Test
  void accept() {
    assertTrue(Accepts.allows("text/html, application/*;q=0.2", "application/json"));
    assertTrue(Accepts.allows("Application/JSON", "application/json"));
    assertFalse(Accepts.allows("text/html", "application/json"));
    assertFalse(Accepts.allows("*/*, application/json;q=0", "application/json"));
    assertFalse(Accepts.allows("application/*; q=0.0, */*;q=1", "application/json"));
  }

  @Test
  void guessesAreCountedForAMinute() {
    var now = new AtomicLong();
    var throttle = new Throttle(now::get);
    for (int i = 0; i < Throttle.GUESSES_MAX; i++) {
      assertFalse(throttle.wrongGuess());
    }
    assertTrue(throttle.wrongGuess());
    now.set(Duration.ofSeconds(59).toNanos());
    assertTrue(throttle.wrongGuess());
    now.set(Duration.ofSeconds(60).toNanos());
    assertFalse(throttle.wrongGuess());
  }

  @Test
  void sessionsExpireAndDieWithTheToken() {
    var now = new AtomicReference<>(Instant.parse("2026-11-23T00:00:00Z"));
    InstantSource clock = now::get;
    var sessions = new Sessions("token-one", clock);
    String code = sessions.newCode();
    String cookie = sessions.redeem(code);
    assertNotNull(cookie);
    assertNull(sessions.redeem(code));
    assertTrue(sessions.isValid(cookie));
    assertTrue(new Sessions("token-one", clock).isValid(cookie), "survives a restart");
    assertFalse(new Sessions("token-two", clock).isValid(cookie));
    assertFalse(sessions.isValid("9" + cookie));
    assertFalse(sessions.isValid(cookie + "A"));
    String late = sessions.newCode();
    now.updateAndGet(instant -> instant.plus(Sessions.CODE_LIFE).plusSeconds(1));
    assertNull(sessions.redeem(late));
    now.updateAndGet(instant -> instant.plus(Sessions.COOKIE_LIFE));
    assertFalse(sessions.isValid(cookie));
  }

  @Test
  void lanesKeepTheirOrderAndDoNotWaitForEachOther() throws InterruptedException {
    var lanes = new Lanes();
    var blocked = new Semaphore(0);
    var done = new Semaphore(0);
    List<Integer> order = new ArrayList<>();
    lanes.run("slow", blocked::acquireUninterruptibly);
    for (int i = 0; i < 100; i++) {
      int number = i;
      lanes.run("quick", () -> order.add(number));
    }
    lanes.run("quick", done::release);
    done.acquire();
    assertEquals(100, order.size());
    for (int i = 0; i < 100; i++) {
      assertEquals(i, order.get(i));
    }
    lanes.run("slow", done::release);
    assertFalse(done.tryAcquire());
    blocked.release();
    done.acquire();
  }

  @Test
  void signalsHaveNames() {
    assertEquals("SIGHUP", SignalNames.of(1));
    assertEquals("SIGKILL", SignalNames.of(9));
    assertEquals("SIGTERM", SignalNames.of(15));
    assertEquals("SIGSYS", SignalNames.of(31));
    assertEquals("SIGRTMIN+0", SignalNames.of(34));
  }
}
