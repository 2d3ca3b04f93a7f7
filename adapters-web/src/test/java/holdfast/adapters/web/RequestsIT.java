package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.web.OpenApi.Operation;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What {@code openapi.json} says of requests, and what the server thinks of them, tried on many:
 * whatever is as the document says is understood, and whatever is not gets 400.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RequestsIT {
  private static final String X255 = "x".repeat(255);
  private static final List<String> WORDS =
      List.of(
          "true",
          "false",
          "yes",
          "-1",
          "0",
          "1",
          "7",
          "1000",
          "1001",
          "1000000",
          "1000001",
          "1.5",
          "x",
          "a b",
          "HELD",
          "held",
          "HELD,RUNNING",
          "HELD,",
          "task",
          "task,error",
          "merged",
          "stderr",
          "process-started",
          "2026-11-26T12:00:00Z",
          "2026-11-26",
          "0123456789abcdefghjk",
          "0123456789abcdefghjki",
          "1".repeat(18),
          "1".repeat(19),
          X255,
          X255 + "x",
          "y".repeat(1_000),
          "y".repeat(1_001));

  private TestServer server;
  private OpenApiRefusals requests;
  private String held;
  private String over;
  private String initiative;
  private String snapshot;

  @BeforeEach
  void start() {
    server = TestServer.start();
    server.world.program("true", process -> process.exit(0));
    requests = new OpenApiRefusals(server);
    held = server.submit("{\"command\":[\"true\"],\"hold\":true}");
    over = server.submit("{\"command\":[\"true\"]}");
    TestServer.await(
        "its end", () -> server.get("/api/tasks/" + over).body().contains("SUCCEEDED"));
    initiative = TestServer.id(server.post("/api/initiatives", "{\"title\":\"i\"}").body());
    snapshot = server.post("/api/snapshots", "").body().replaceAll(".*?\"id\":\"([^\"]+).*", "$1");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** The path of an operation, about something that there is, and about what changes nothing. */
  private String id(Operation operation) {
    return operation.path().contains("/initiatives/")
        ? initiative
        : operation.path().contains("/snapshots/")
            ? snapshot
            : operation.path().contains("/output") ? over : held;
  }

  private static void agree(
      Operation operation, String what, List<String> flaws, HttpResponse<String> answer) {
    boolean isRefused = answer.statusCode() == 400;
    assertEquals(
        !flaws.isEmpty(),
        isRefused,
        () ->
            operation.name()
                + " with "
                + what
                + "\nby the document: "
                + flaws
                + "\nby the server: "
                + answer.statusCode()
                + " "
                + answer.body());
  }

  @Test
  void bodiesAreUnderstoodIfTheyAreAsDescribedAndRefusedIfNot() {
    int tried = 0;
    var refused = new TreeSet<String>();
    for (Operation operation : OpenApi.operations()) {
      ContractNode json = operation.jsonBody();
      if (json == null) {
        continue;
      }
      ContractNode schema = json.get("schema");
      Json example = json.get("example").value();
      assertEquals(List.of(), SchemaCheck.flaws(example, schema), operation.name());
      assertEquals(
          schema.find("properties") == null ? List.of() : names(schema.get("properties").value()),
          names(example),
          operation.name() + " has an example of everything");
      // Whatever would do something for good is asked what it would do.
      String query =
          operation.path().equals("/api/shutdown")
              ? "?preview=true"
              : operation.path().endsWith("/restore") ? "?dryRun=true" : "";
      for (Json body : Mutations.of(example, schema)) {
        byte[] bytes = JsonBytes.compact(body);
        HttpRequest.Builder request =
            requests
                .request(operation, id(operation), query)
                .method(operation.method(), BodyPublishers.ofByteArray(bytes));
        List<String> flaws = SchemaCheck.flaws(body, schema);
        agree(operation, new String(bytes, StandardCharsets.UTF_8), flaws, server.send(request));
        if (!flaws.isEmpty()) {
          refused.add(operation.name());
        }
        tried++;
      }
    }
    assertTrue(tried > 800 && refused.size() > 15, tried + ", some refused of " + refused);
  }

  private static List<String> names(Json value) {
    return ((Json.Members) value).values().keySet().stream().sorted().toList();
  }

  @Test
  void parametersAreUnderstoodIfTheyAreAsDescribedAndRefusedIfNot() {
    int understood = 0;
    int refused = 0;
    for (Operation operation : OpenApi.operations()) {
      for (ContractNode parameter : operation.parameters()) {
        String name = String.valueOf(parameter.text("name"));
        // A text that only the server can judge.
        boolean isOpaque = name.equals("cursor") || name.equals("code");
        if (!"query".equals(parameter.text("in")) || isOpaque) {
          continue;
        }
        for (String word : WORDS) {
          String query = "?" + name + "=" + URLEncoder.encode(word, StandardCharsets.UTF_8);
          List<String> flaws = SchemaCheck.flaws(value(word, parameter), parameter.get("schema"));
          agree(
              operation,
              query,
              flaws,
              server.send(requests.request(operation, id(operation), query)));
          understood += flaws.isEmpty() ? 1 : 0;
          refused += flaws.isEmpty() ? 0 : 1;
        }
      }
    }
    assertTrue(understood > 100 && refused > 300, understood + " understood, " + refused);
  }

  /** A word of the query as the type of its parameter has it. */
  private static Json value(String word, ContractNode parameter) {
    String type = String.valueOf(parameter.get("schema").text("type"));
    return switch (type) {
      case "integer" ->
          word.matches("-?[0-9]+(\\.[0-9]+)?") ? new Json.Numeral(word) : new Json.Text(word);
      case "boolean" ->
          word.matches("true|false") ? new Json.Truth(word.equals("true")) : new Json.Text(word);
      case "array" ->
          new Json.Elements(Arrays.stream(word.split(",", -1)).<Json>map(Json.Text::new).toList());
      default -> new Json.Text(word);
    };
  }

  @Test
  void headersAreUnderstoodIfTheyAreAsDescribedAndRefusedIfNot() {
    var tried = new TreeSet<String>();
    for (Operation operation : OpenApi.operations()) {
      for (ContractNode parameter : operation.parameters()) {
        ContractNode schema = parameter.get("schema");
        if (!"header".equals(parameter.text("in")) || !schema.raw().containsKey("pattern")) {
          continue;
        }
        String name = String.valueOf(parameter.text("name"));
        tried.add(name);
        for (String word : WORDS) {
          HttpRequest.Builder request =
              requests.request(operation, id(operation), "").setHeader(name, word);
          agree(
              operation,
              name + ": " + word,
              SchemaCheck.flaws(new Json.Text(word), schema),
              server.send(request));
        }
      }
    }
    assertEquals(List.of("Idempotency-Key", "Last-Event-ID"), List.copyOf(tried));
  }
}
