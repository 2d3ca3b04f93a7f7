package holdfast.bootstrap.resilience;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A follower notices every gap and every duplicate, and resumes exactly where it stands. */
class FollowingTest {
  private final Following following = new Following("e", 10, "task");

  private void message(String text) {
    try (var reader = Json.createReader(new StringReader(text.replace('\'', '"')))) {
      assertNull(following.take(new LiveSocket.Frame.Message(reader.readObject())));
    }
  }

  private @Nullable JsonObject piece(long offset, String text) {
    return following.take(
        new LiveSocket.Frame.Piece(offset, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8))));
  }

  private void event(long seq) {
    message("{'type':'event','seq':" + seq + ",'key':'a'}");
  }

  @Test
  void whatComesInOrderIsResumedBehind() {
    event(11);
    event(14);
    message("{'type':'live','seq':15}");
    message("{'type':'subscribed','offset':0}");
    piece(0, "abc");
    piece(3, "de");
    assertEquals(List.of(), following.faults());
    assertEquals(14, following.seqOf("a"));
    List<JsonObject> again = following.subscriptions();
    assertEquals(15, again.get(0).getJsonObject("since").getInt("seq"));
    assertEquals(5, again.get(1).getInt("offset"));
    message("{'type':'end','offset':5}");
    assertEquals(1, following.subscriptions().size(), "an output that has ended is not asked for");
  }

  @Test
  void anEventTwiceIsAFault() {
    event(11);
    event(11);
    assertEquals(List.of("event 11 came after 11"), following.faults());
  }

  @Test
  void anEventFromBeforeTheSubscriptionIsAFault() {
    event(10);
    assertEquals(1, following.faults().size());
  }

  @Test
  void aByteMissingOrTwiceIsAFault() {
    piece(0, "abc");
    piece(4, "e");
    piece(4, "e");
    assertEquals(
        List.of("output at byte 4 followed byte 3"), following.faults(), "the offset is off once");
  }

  @Test
  void aResumptionElsewhereAGapAndAnErrorAreFaults() {
    message("{'type':'subscribed','offset':7}");
    message("{'type':'gap','from':0,'to':7}");
    message("{'type':'error','code':404}");
    assertEquals(3, following.faults().size(), following.faults().toString());
    message("{'type':'reset','reason':'lagged'}");
    assertEquals("lagged", following.reset());
  }

  @Test
  void creditIsGivenForWhatWasTaken() {
    assertNull(piece(0, "x".repeat(1_000)));
    JsonObject credit = piece(1_000, "x".repeat(70_000));
    assertNotNull(credit);
    assertEquals(71_000, credit.getInt("bytes"));
  }
}
