package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import holdfast.adapters.web.OpenApi.Operation;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the documents are given out, and the table of routes beside {@code openapi.json}. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DocumentsIT {
  private static final String READING = "fedcba9876543210-test-reader";
  private TestServer server;

  @BeforeEach
  void start() {
    server =
        TestServer.start(
            WebSettings.loopback(0, TestServer.TOKEN, "/")
                .with(new WebSettings.Lesser(READING, null)));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static String header(HttpResponse<String> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  @ParameterizedTest
  @ValueSource(strings = {"openapi.json", "asyncapi.json"})
  void aDocumentIsGivenOutAsItIs(String name) {
    HttpResponse<String> whole = server.get("/" + name);
    assertEquals(200, whole.statusCode());
    assertEquals("application/json", header(whole, "Content-Type"));
    assertArrayEquals(DocumentRoutes.read(name), whole.body().getBytes(StandardCharsets.UTF_8));
    HttpResponse<String> head = server.send("HEAD", "/" + name, null);
    assertEquals(200, head.statusCode());
    assertEquals("", head.body());
    assertEquals(
        Integer.toString(DocumentRoutes.read(name).length), header(head, "Content-Length"));
    assertEquals(header(whole, "ETag"), header(head, "ETag"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"openapi.json", "asyncapi.json"})
  void whoHasItIsNotSentItAgain(String name) {
    String tag = header(server.get("/" + name), "ETag");
    for (String known : List.of(tag, "W/" + tag, "\"1\", " + tag, "*")) {
      HttpResponse<String> unchanged = server.get("/" + name, "If-None-Match", known);
      assertEquals(304, unchanged.statusCode(), known);
      assertEquals("", unchanged.body());
      assertEquals(tag, header(unchanged, "ETag"));
    }
    assertEquals(200, server.get("/" + name, "If-None-Match", "\"1\"").statusCode());
    assertEquals(400, server.get("/" + name, "If-None-Match", "1").statusCode());
    assertNotEquals(
        header(server.get("/openapi.json"), "ETag"), header(server.get("/asyncapi.json"), "ETag"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"openapi.json", "asyncapi.json"})
  void itIsForThoseWhoMayRead(String name) {
    HttpRequest.Builder nobody = HttpRequest.newBuilder(server.uri("/" + name));
    assertEquals(401, server.send(nobody).statusCode());
    var reader = nobody.copy().header("Authorization", "Bearer " + READING);
    assertEquals(200, server.send(reader).statusCode());
    assertEquals(405, server.post("/" + name, "{}").statusCode());
    assertEquals(400, server.get("/" + name + "?pretty=true").statusCode());
  }

  private List<Route> table() {
    return Objects.requireNonNull(server.web.routes(), "open").all();
  }

  @Test
  void theDocumentHasEveryRouteAndNoOther() {
    Set<String> routes = new TreeSet<>();
    table().forEach(route -> routes.add(route.method() + " " + route.pattern()));
    Set<String> described = new TreeSet<>();
    OpenApi.operations().forEach(operation -> described.add(operation.name()));
    assertEquals(routes, described);
  }

  @Test
  void theDocumentHasEveryParameterAndNoOther() {
    var described = new TreeMap<String, Set<String>>();
    for (Operation operation : OpenApi.operations()) {
      described.put(
          operation.name(),
          operation.parameters().stream()
              .filter(one -> "query".equals(one.text("in")))
              .map(one -> String.valueOf(one.text("name")))
              .collect(Collectors.toSet()));
    }
    var known = new TreeMap<String, Set<String>>();
    for (Route route : table()) {
      known.put(route.method() + " " + route.pattern(), route.parameters());
    }
    assertEquals(known, described);
  }

  /** Which tokens reach a route, and that no token is needed for it. */
  @Test
  void theDocumentSaysWhoGetsIn() {
    for (Route route : table()) {
      Operation operation =
          OpenApi.operations().stream()
              .filter(one -> one.name().equals(route.method() + " " + route.pattern()))
              .findFirst()
              .orElseThrow();
      ContractNode own = operation.node().find("security");
      ContractNode security = own == null ? ContractNode.openApi().get("security") : own;
      Set<String> described =
          security.elements().stream()
              .flatMap(one -> one.raw().keySet().stream())
              .collect(Collectors.toSet());
      boolean reads = route.method().equals("GET");
      Set<String> expected =
          switch (route.access()) {
            case ANYBODY, CODE -> Set.of();
            case TOKEN ->
                reads ? Set.of("token", "session", "readToken") : Set.of("token", "session");
            case TASK -> Set.of("token", "session", "readToken", "taskToken");
          };
      assertEquals(expected, described, operation.name());
    }
  }

  /** Whoever asks for another type is refused wherever the table has one, and only there. */
  @Test
  void theDocumentSaysWhereOtherTypesAreRefused() {
    for (Route route : table()) {
      Operation operation =
          Objects.requireNonNull(
              OpenApi.find(route.method(), route.pattern().replace("{id}", "x")));
      boolean refuses =
          !route.produces().equals(Accepts.ANYTHING) || route.pattern().equals("/api/logs");
      assertEquals(refuses, operation.statuses().contains("406"), operation.name());
    }
  }
}
