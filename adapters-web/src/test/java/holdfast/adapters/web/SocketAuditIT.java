package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.AuditTrail.Entry;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each command over a WebSocket leaves one entry, whatever comes of it, that says who sent it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SocketAuditIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private static final String SLEEP = "{\"command\":[\"sleep\"],\"stdin\":\"pipe\"}";
  private static final String NOBODYS = "0".repeat(20);
  private static final String READING = "fedcba9876543210-test-reader";
  private static final String SECRET = "Zecret0123456789";

  private TestServer server;
  private SocketClient client;
  private String actor = "admin";
  private final Set<String> granted = new HashSet<>();
  private final Set<String> wrongState = new HashSet<>();
  private final Set<String> badInput = new HashSet<>();

  @BeforeEach
  void start() throws IOException {
    server =
        TestServer.start(
            WebSettings.loopback(0, TestServer.TOKEN, "/")
                .with(new WebSettings.Lesser(READING, null)));
    server.world.program("sleep", process -> process.onTerm(_ -> {}));
    client = SocketClient.connect(server);
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
  }

  /** Entries that somebody caused, not the server by itself. */
  private List<Entry> entries() {
    return server.audit.entries().stream()
        .filter(entry -> !entry.by().actor().equals("system"))
        .toList();
  }

  /** Sends a command, which must leave this one entry; returns it. */
  private Entry one(String message, int status, String action, String result) throws IOException {
    int before = entries().size();
    client.send(message);
    String answer = client.text();
    while (!answer.startsWith("{\"type\":\"result\"")
        && !answer.startsWith("{\"type\":\"error\"")) {
      answer = client.text();
    }
    String code = answer.startsWith("{\"type\":\"result\"") ? "\"status\":" : "\"code\":";
    assertTrue(answer.contains("\"id\":\"c\"," + code + status), message + answer);
    List<Entry> after = entries().subList(before, entries().size());
    assertEquals(1, after.size(), message + after);
    Entry entry = after.getFirst();
    assertEquals("ws " + action, entry.by().action(), message);
    assertEquals(actor, entry.by().actor());
    assertEquals("127.0.0.1", entry.by().from());
    assertEquals(result, entry.result(), message);
    return entry;
  }

  private static String command(String action, @Nullable String task, @Nullable String body) {
    return "{\"type\":\"command\",\"id\":\"c\",\"action\":\""
        + action
        + (task == null ? "" : "\",\"taskId\":\"" + task)
        + (body == null ? "\"}" : "\",\"body\":" + body + "}");
  }

  /** A change, with its seq. */
  private void granted(String action, @Nullable String task, @Nullable String body)
      throws IOException {
    long before = server.application().state().seq();
    Entry entry = one(command(action, task, body), task == null ? 201 : 202, action, Entry.OK);
    assertTrue(entry.seq() > before && entry.isChange(), entry.toString());
    assertTrue(task == null || task.equals(entry.target()), entry.toString());
    granted.add(action);
  }

  private void refused(String action, @Nullable String task, @Nullable String body)
      throws IOException {
    Entry entry = one(command(action, task, body), 400, action, "invalid");
    assertEquals(0, entry.seq());
    badInput.add(action);
  }

  private void wrongState(String action, String task) throws IOException {
    String body = action.equals("input") ? "\"text\"" : null;
    Entry entry = one(command(action, task, body), 409, action, "wrong-state");
    assertEquals(task, entry.target());
    one(command(action, NOBODYS, body), 404, action, "not-found");
    wrongState.add(action);
  }

  private String held() {
    return server.submit(HELD);
  }

  private String running() {
    String id = server.submit(SLEEP);
    TestServer.await(
        "it runs", () -> server.get("/api/tasks/" + id).body().contains("\"state\":\"RUNNING\""));
    return id;
  }

  private String canceled() {
    String id = held();
    server.send("POST", "/api/tasks/" + id + "/cancel", null);
    return id;
  }

  /** One that waits, since as many run as may. */
  private String queued() {
    for (int i = 0; i < 64; i++) {
      server.submit(SLEEP);
    }
    return server.submit("{\"command\":[\"sleep\"],\"priority\":-1}");
  }

  @Test
  void everyCommandThatIsCarriedOutLeavesOneEntry() throws IOException {
    granted("submit", null, HELD);
    granted("cancel", held(), null);
    granted("retry", canceled(), null);
    granted("release", held(), null);
    String stopped = running();
    Entry input = one(command("input", stopped, "\"text\""), 204, "input", Entry.OK);
    assertEquals(0, input.seq(), "input is no change of ours");
    assertEquals(stopped, input.target());
    granted.add("input");
    granted("stop", stopped, "{\"grace\":\"PT1H\"}");
    Entry again = one(command("stop", stopped, null), 202, "stop", Entry.OK);
    assertEquals(0, again.seq(), "nothing new");
    granted("kill", running(), null);
    granted("hold", queued(), null);
    assertEquals(SocketCommands.ACTIONS, granted, "every command was carried out");
    String verdict = server.get("/api/audit/verify").body();
    assertTrue(verdict.startsWith("{\"ok\":true,\"entries\":"), verdict);
  }

  @Test
  void aReplayedSubmissionLeavesAnEntryOfItsOwn() throws IOException {
    String keyed = command("submit", null, HELD).replace("}}", "},\"idempotencyKey\":\"k\"}");
    assertTrue(one(keyed, 201, "submit", Entry.OK).seq() > 0);
    assertEquals(0, one(keyed, 201, "submit", Entry.OK).seq());
    one(keyed.replace("true\"]", "false\"]"), 422, "submit", "impossible");
  }

  @Test
  void everyCommandThatIsRefusedLeavesOneEntry() throws IOException {
    String over = canceled();
    String held = held();
    for (String action : SocketCommands.ACTIONS) {
      boolean isSubmit = action.equals("submit");
      String task = isSubmit ? null : held;
      refused(action, task, isSubmit ? "{\"command\":[]}" : "{\"no\":1}");
      refused(action, task, "7");
      // What is not understood, before it can be looked at what it is about.
      refused(action, isSubmit ? held : null, isSubmit ? HELD : null);
      refused(action, task, "{},\"" + SECRET + "\":1");
      if (!isSubmit) {
        wrongState(action, action.equals("retry") ? held : over);
      }
    }
    assertEquals(SocketCommands.ACTIONS, badInput);
    wrongState.add("submit");
    assertEquals(SocketCommands.ACTIONS, wrongState, "a submission finds no state");
  }

  @Test
  void whatIsNoActionIsNotedWithoutItsWords() throws IOException {
    assertEquals(null, one(command(SECRET, "no id/", null), 400, "command", "invalid").target());
    one("{\"type\":\"command\",\"id\":\"c\"}", 400, "command", "invalid");
    one("{\"type\":\"command\",\"id\":\"c\",\"action\":{}}", 400, "command", "invalid");
    assertFalse(entries().toString().contains(SECRET), entries().toString());
  }

  /** Nothing can be answered to it, and the socket is closed; it was tried all the same. */
  @Test
  void aCommandWithoutAUsableIdIsNotedBeforeItsSocketIsClosed() throws IOException {
    String task = held();
    for (String id :
        List.of("", ",\"id\":7", ",\"id\":\"\"", ",\"id\":\"" + "i".repeat(65) + '"')) {
      int before = entries().size();
      client.send(
          "{\"type\":\"command\",\"action\":\"kill\",\"taskId\":\"" + task + '"' + id + "}");
      assertEquals(CloseCode.BAD_MESSAGE.number(), client.closeCode(), id);
      List<Entry> after = entries().subList(before, entries().size());
      assertEquals(1, after.size(), id + after);
      assertEquals("ws command", after.getFirst().by().action());
      assertEquals("invalid", after.getFirst().result());
      client = SocketClient.connect(server);
    }
    client.send("{\"type\":\"subscribe\",\"topic\":\"tasks\"}");
    int before = entries().size();
    assertEquals(CloseCode.BAD_MESSAGE.number(), client.closeCode());
    assertEquals(before, entries().size(), "to look is no change");
  }

  @Test
  void everyCommandOfATokenForReadingIsNotedAsIts() throws IOException {
    String task = held();
    long seq = server.application().state().seq();
    client.close();
    client =
        SocketClient.connect(
            server,
            server.head("GET /ws HTTP/1.1").replace(TestServer.TOKEN, READING),
            SocketUpgrade.SUBPROTOCOL);
    actor = "reader";
    for (String action : SocketCommands.ACTIONS) {
      boolean isSubmit = action.equals("submit");
      Entry entry =
          one(
              command(action, isSubmit ? null : task, isSubmit ? HELD : null),
              403,
              action,
              "forbidden");
      assertEquals(isSubmit ? null : task, entry.target());
      one(command(action, null, "{},\"no\":1"), 400, action, "invalid");
    }
    assertEquals(seq, server.application().state().seq());
  }
}
