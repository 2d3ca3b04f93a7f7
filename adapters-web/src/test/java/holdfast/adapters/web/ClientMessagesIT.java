package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What {@code asyncapi.json} says of messages that clients send, and what the server thinks of
 * them, tried on many: whatever is as the document says is understood, and whatever is not gets
 * 400, or ends the socket if it has no id.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClientMessagesIT {
  private static final int INVALID = 400;
  private static final int NOT_FOUND = 404;
  private static final int UNDERSTOOD = 0;
  private static final String FENCE = "{\"type\":\"ping\",\"t\":\"the end of what it led to\"}";
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void messagesAreUnderstoodIfTheyAreAsDescribedAndRefusedIfNot() throws IOException {
    int tried = 0;
    for (Map.Entry<String, ContractNode> message : AsyncApi.fromClient().entrySet()) {
      ContractNode payload = message.getValue().get("payload");
      var shown = new TreeSet<String>();
      for (ContractNode example : message.getValue().get("examples").elements()) {
        Json whole = example.get("payload").value();
        shown.addAll(((Json.Members) whole).values().keySet());
        assertEquals(List.of(), SchemaCheck.flaws(whole, payload), message.getKey());
        for (Json each : Mutations.of(whole, payload)) {
          agree(message.getKey(), each, payload);
          tried++;
        }
      }
      assertEquals(
          new TreeSet<>(payload.get("properties").raw().keySet()),
          shown,
          message.getKey() + " has an example of everything");
    }
    assertTrue(tried > 1_000, tried + " were tried");
  }

  private void agree(String name, Json message, ContractNode payload) throws IOException {
    String text = new String(JsonBytes.compact(message), StandardCharsets.UTF_8);
    List<String> flaws = SchemaCheck.flaws(message, payload);
    int answer = answer(text);
    // What cannot be an id is not the id of anything.
    boolean agrees =
        flaws.isEmpty() ? answer != INVALID : Set.of(INVALID, NOT_FOUND).contains(answer);
    assertTrue(
        agrees,
        () -> name + " " + text + "\nby the document: " + flaws + "\nby the server: " + answer);
  }

  /** How the server took a message: by the code of an error or result, or of a close. */
  private int answer(String message) throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(message);
      client.send(FENCE);
      boolean isCommand = message.contains("\"type\":\"command\"");
      boolean isOver = false;
      while (true) {
        SocketClient.Frame frame = client.nextButPings();
        if (frame.opcode == SocketClient.CLOSE) {
          return frame.closeCode() - CloseCode.BAD_MESSAGE.number() + INVALID;
        }
        if (frame.opcode != SocketClient.TEXT) {
          continue;
        }
        AsyncApi.hold(frame.text());
        Map<String, Json> told = StrictJson.object(frame.text()).values();
        if (told.get("type").equals(new Json.Text("error"))) {
          return number(told.get("code"));
        }
        if (told.get("type").equals(new Json.Text("result"))) {
          return number(told.get("status"));
        }
        isOver |= frame.text().contains("the end of what it led to");
        if (isOver && !isCommand) {
          return UNDERSTOOD;
        }
      }
    }
  }

  private static int number(Json value) {
    return Integer.parseInt(((Json.Numeral) value).literal());
  }
}
