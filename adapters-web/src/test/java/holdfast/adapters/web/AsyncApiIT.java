package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.TaskStorage.Condition;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Everything that {@code asyncapi.json} says the server sends is sent, as it is described, in reply
 * to what it is a reply to.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AsyncApiIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private static final List<String> TOPICS =
      List.of("followTasks", "followInitiatives", "followHealth", "followSync", "followLogs");

  /** An operation and a message that came in reply to it. */
  private final Set<String> said = new TreeSet<>();

  /** Schemas of the document that parts of messages fitted. */
  private final Set<String> fitted = new TreeSet<>();

  /** Reads until a message of a type is there that is about an operation, by which it is named. */
  private String until(SocketClient client, String type, String operation) throws IOException {
    while (true) {
      String text = client.text();
      Map<String, Json> members = StrictJson.object(text).values();
      boolean isAbout =
          !members.containsKey("id") || members.get("id").equals(new Json.Text(operation));
      if (isAbout) {
        List<String> names = AsyncApi.hold(text, fitted);
        if (names.size() == 1) {
          String name = names.getFirst();
          said.add((name.equals("hello") ? "greet" : operation) + " " + name);
        }
        if (members.get("type").equals(new Json.Text(type))) {
          return text;
        }
      }
    }
  }

  private void ask(SocketClient client, String operation, String type, String rest, String reply)
      throws IOException {
    client.send("{\"type\":\"" + type + "\",\"id\":\"" + operation + "\"" + rest + "}");
    until(client, reply, operation);
  }

  private static String topic(String operation) {
    return ",\"topic\":\"" + operation.substring("follow".length()).toLowerCase(Locale.ROOT) + "\"";
  }

  @Test
  void everyMessageIsSentAsItIsDescribed() throws IOException {
    try (var server = TestServer.start()) {
      var walk = new OpenApiWalk(server);
      String first = server.submit(HELD);
      String initiative =
          TestServer.id(server.post("/api/initiatives", "{\"title\":\"i\"}").body());
      walk.conflict(first);
      follow(server, first, initiative);
      refusals(server);
      outputs(server, walk);
      commands(server, first);
      try (var client = SocketClient.connect(server)) {
        until(client, "hello", "greet");
        server.web.drain(HoldfastWeb.Leaving.GOING_AWAY);
        until(client, "bye", "takeLeave");
        assertEquals(CloseCode.GOING_AWAY.number(), client.closeCode());
      }
    }
    marks();
    var described = new TreeSet<String>();
    ContractNode.asyncApi()
        .get("operations")
        .members()
        .forEach(
            (name, operation) -> {
              ContractNode reply =
                  "send".equals(operation.text("action")) ? operation : operation.find("reply");
              if (reply != null) {
                ((Json.Elements) reply.raw().get("messages"))
                    .values()
                    .forEach(
                        one -> {
                          String path = String.valueOf(reply.node(one).reference());
                          described.add(
                              name + path.substring(path.lastIndexOf('/')).replace('/', ' '));
                        });
              }
            });
    assertEquals(described, said);
    var schemas = new TreeSet<String>();
    AsyncApi.fromServer().values().forEach(one -> schemas.addAll(ContractShapes.reached(one)));
    schemas.removeIf(one -> !one.startsWith("asyncapi.json#/components/schemas/"));
    schemas.removeAll(fitted);
    assertEquals(Set.of(), schemas, "everything that a message can consist of was seen");
  }

  private void follow(TestServer server, String task, String initiative) throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      for (String operation : TOPICS) {
        ask(client, operation, "subscribe", topic(operation), "live");
      }
      server.submit(
          "{\"command\":[\"true\"],\"hold\":true,\"initiativeId\":\"" + initiative + "\"}");
      until(client, "event", "followTasks");
      server.post("/api/tasks/" + task + "/cancel", "");
      server.send("DELETE", "/api/tasks/" + task, null);
      String gone = until(client, "event", "followTasks");
      while (!gone.contains("\"op\":\"delete\"")) {
        gone = until(client, "event", "followTasks");
      }
    }
    try (var client = SocketClient.connect(server)) {
      ask(client, "followInitiatives", "subscribe", topic("followInitiatives"), "live");
      server.submit("{\"command\":[\"true\"],\"initiativeId\":\"" + initiative + "\"}");
      until(client, "event", "followInitiatives");
      ask(client, "followHealth", "subscribe", topic("followHealth"), "live");
      server.tasks.say(
          new Condition(null, null, "is slow", List.of("/a"), Duration.ZERO, 1 << 20, 0));
      until(client, "event", "followHealth");
      ask(client, "followLogs", "subscribe", topic("followLogs"), "live");
      server.submit(HELD);
      until(client, "event", "followLogs");
      ask(client, "followSync", "subscribe", topic("followSync"), "live");
      new OpenApiWalk(server).conflict(server.submit(HELD));
      String found = until(client, "event", "followSync");
      while (!found.contains("\"entity\":\"conflict\"")) {
        found = until(client, "event", "followSync");
      }
      server.post("/api/sync/force", "");
      while (!found.contains("\"entity\":\"sync\"")) {
        found = until(client, "event", "followSync");
      }
    }
  }

  private void refusals(TestServer server) throws IOException {
    String past = ",\"since\":{\"epoch\":\"another\",\"seq\":1}";
    try (var client = SocketClient.connect(server)) {
      for (String operation : TOPICS) {
        ask(client, operation, "subscribe", topic(operation) + past, "reset");
        ask(client, operation, "subscribe", topic(operation) + ",\"no\":1", "error");
      }
      ask(client, "followOutput", "subscribe", topic("followOutput"), "error");
      ask(client, "giveCredit", "credit", ",\"bytes\":0", "error");
      ask(client, "unsubscribe", "unsubscribe", "", "error");
      ask(client, "command", "command", ",\"action\":\"dance\"", "error");
      ask(client, "answerPing", "ping", ",\"no\":1", "error");
      ask(client, "answerPing", "ping", ",\"t\":[1]", "pong");
    }
  }

  private void outputs(TestServer server, OpenApiWalk walk) throws IOException {
    String snapshot =
        server.post("/api/snapshots", "").body().replaceAll(".*?\"id\":\"([^\"]+).*", "$1");
    String id = walk.running();
    var run = new RunRef(new TaskId(id), 1, 1);
    server.outputs.write(run, OutputStreamName.MERGED, new byte[100]);
    String task = topic("followOutput") + ",\"taskId\":\"" + id + "\"";
    try (var client = SocketClient.connect(server)) {
      ask(client, "followOutput", "subscribe", task + ",\"offset\":40", "subscribed");
      SocketClient.Frame frame = client.nextButPings();
      assertEquals(SocketClient.BINARY, frame.opcode);
      said.add("followOutput output");
      Map<String, BigInteger> fields = fields(frame.payload);
      assertEquals(List.of("version", "kind", "channel", "offset"), List.copyOf(fields.keySet()));
      assertEquals(BigInteger.valueOf(1), fields.get("channel"));
      assertEquals(BigInteger.valueOf(40), fields.get("offset"));
      server.world.process(run).exit(0);
      until(client, "end", "followOutput");
      ask(client, "followOutput", "subscribe", task + ",\"offset\":140", "gap");
    }
    try (var client = SocketClient.connect(server)) {
      ask(client, "followOutput", "subscribe", task + ",\"credit\":0", "subscribed");
      var restored =
          server.post(
              "/api/snapshots/" + snapshot + "/restore",
              "{\"confirm\":\"" + snapshot + "\",\"running\":\"adopt\"}");
      assertEquals(200, restored.statusCode(), restored.body());
      until(client, "reset", "followOutput");
    }
  }

  /** The numbers that stand before the bytes of an output, by the document. */
  private static Map<String, BigInteger> fields(byte[] payload) {
    var fields = new LinkedHashMap<String, BigInteger>();
    int at = 0;
    for (ContractNode field : AsyncApi.fromServer().get("output").get("x-layout").elements()) {
      int bytes = number(field.get("bits")).intValueExact() / 8;
      var value = new BigInteger(1, Arrays.copyOfRange(payload, at, at + bytes));
      ContractNode only = field.find("const");
      assertTrue(only == null || number(only).equals(value), field + " is " + value);
      fields.put(String.valueOf(field.text("name")), value);
      at += bytes;
    }
    assertEquals(60, payload.length - at, "what follows are the bytes of the output");
    return fields;
  }

  private static BigInteger number(ContractNode node) {
    return new BigInteger(((Json.Numeral) node.value()).literal());
  }

  private void commands(TestServer server, String purged) throws IOException {
    String id = server.submit(HELD);
    String task = ",\"taskId\":\"" + id + "\"";
    String gone = ",\"taskId\":\"" + purged + "\"";
    try (var client = SocketClient.connect(server)) {
      String submit = ",\"action\":\"submit\",\"body\":" + HELD;
      ask(client, "command", "command", submit, "result");
      for (String target : List.of(task, gone)) {
        for (String action : List.of("stop", "cancel", "retry", "input")) {
          String body = action.equals("input") ? ",\"body\":\"x\"" : "";
          String rest = ",\"action\":\"" + action + "\"" + target + body;
          ask(client, "command", "command", rest, "result");
        }
      }
    }
  }

  /** While there is nothing else to say, a place is told with every heartbeat. */
  private void marks() throws IOException {
    String none = "\"" + "0".repeat(20) + "\"";
    try (var server = TestServer.beating(Duration.ofMillis(400));
        var client = SocketClient.connect(server)) {
      for (String operation : List.of("followTasks", "followInitiatives", "followLogs")) {
        String filter = ",\"filter\":{\"initiativeId\":" + none + "}";
        ask(client, operation, "subscribe", topic(operation) + filter, "live");
      }
      for (String operation : List.of("followTasks", "followInitiatives", "followLogs")) {
        server.submit(HELD);
        until(client, "mark", operation);
      }
    }
  }
}
