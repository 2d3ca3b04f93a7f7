package holdfast.adapters.web;

import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What {@code openapi.json} says of an answer. */
final class OpenApi {
  private static final Set<String> METHODS = Set.of("get", "post", "put", "patch", "delete");
  private static final String DEFAULT = "default";
  private static final int SHOWN_MAX = 4_000;
  private static final ContractNode PROBLEM =
      ContractNode.openApi().get("components").get("schemas").get("Problem");

  /** What any answer has, described once for all of them. */
  private static final Set<String> EVERYWHERE =
      Set.of(
          "cache-control",
          "connection",
          "content-length",
          "content-security-policy",
          "content-type",
          "date",
          "referrer-policy",
          "transfer-encoding",
          "x-content-type-options");

  /** Of paths that are described: the method is not. Of all others, too. */
  private static final Set<String> OF_UNKNOWN_METHODS = Set.of("allow", "www-authenticate");

  private static final List<Operation> OPERATIONS = read();

  private OpenApi() {}

  /**
   * A method of a path.
   *
   * @param method upper case
   * @param pattern what its paths look like
   */
  record Operation(String method, String path, Pattern pattern, ContractNode node) {
    /** As in the table of routes. */
    String name() {
      return method + " " + path;
    }

    /** The statuses that it says it answers with. */
    Set<String> statuses() {
      return node.get("responses").raw().keySet().stream()
          .filter(status -> !status.equals(DEFAULT))
          .collect(Collectors.toSet());
    }

    /** Its parameters and those of its path. */
    List<ContractNode> parameters() {
      ContractNode item = ContractNode.openApi().get("paths").get(path);
      return Stream.of(item, node)
          .map(one -> one.find("parameters"))
          .flatMap(list -> list == null ? Stream.empty() : list.elements().stream())
          .toList();
    }

    /** The schema and the example of its body, if that is JSON, or null. */
    @Nullable ContractNode jsonBody() {
      ContractNode body = node.find("requestBody");
      return body == null ? null : body.get("content").find("application/json");
    }
  }

  /** An answer that was given. */
  record Answer(String method, String path, int status, HttpHeaders headers, String body) {}

  static List<Operation> operations() {
    return OPERATIONS;
  }

  private static List<Operation> read() {
    var operations = new ArrayList<Operation>();
    ContractNode.openApi()
        .get("paths")
        .members()
        .forEach(
            (path, item) ->
                item.members()
                    .forEach(
                        (method, node) -> {
                          if (METHODS.contains(method)) {
                            operations.add(
                                new Operation(
                                    method.toUpperCase(Locale.ROOT),
                                    path,
                                    Pattern.compile(path.replace("{id}", "[^/]+")),
                                    node));
                          }
                        }));
    // What is named comes before what stands for anything.
    operations.sort(Comparator.comparing((Operation one) -> one.path().contains("{")));
    return List.copyOf(operations);
  }

  /** The operation of a request, or null; HEAD is described wherever GET is. */
  static @Nullable Operation find(String method, String path) {
    String described = method.equals("HEAD") ? "GET" : method;
    return OPERATIONS.stream()
        .filter(one -> one.method().equals(described) && one.pattern().matcher(path).matches())
        .findFirst()
        .orElse(null);
  }

  /**
   * Holds an answer to the document.
   *
   * @return the operation with the status, and the schemas that parts of the body fit
   */
  static Set<String> hold(HttpRequest request, HttpResponse<String> response) {
    return hold(
        new Answer(
            request.method(),
            request.uri().getRawPath(),
            response.statusCode(),
            response.headers(),
            response.body()));
  }

  static Set<String> hold(Answer answer) {
    Operation operation = find(answer.method(), answer.path());
    var flaws = new ArrayList<String>();
    var held = new TreeSet<String>();
    if (operation == null) {
      undescribed(answer, flaws);
    } else {
      held.add(operation.name() + " " + answer.status());
      described(answer, operation, flaws, held);
    }
    if (!flaws.isEmpty()) {
      throw new AssertionError(
          answer.method()
              + " "
              + answer.path()
              + " was answered otherwise than openapi.json says: "
              + flaws
              + "\n"
              + answer.status()
              + " "
              + answer.headers()
              + "\n"
              + answer.body().substring(0, Math.min(SHOWN_MAX, answer.body().length())));
    }
    return held;
  }

  /** Neither the path nor the method is described: it must have been refused. */
  private static void undescribed(Answer answer, List<String> flaws) {
    if (answer.method().equals("OPTIONS") && answer.status() == 204) {
      return;
    }
    if (answer.status() < 400) {
      flaws.add("it was not refused, and is not described");
    } else if (!answer.method().equals("HEAD")) {
      flaws.addAll(SchemaCheck.flaws(StrictJson.object(answer.body()), PROBLEM));
    }
    headers(answer, OF_UNKNOWN_METHODS, Set.of("retry-after"), flaws);
  }

  private static void described(
      Answer answer, Operation operation, List<String> flaws, Set<String> held) {
    ContractNode responses = operation.node().get("responses");
    ContractNode explicit = responses.find(Integer.toString(answer.status()));
    ContractNode response = explicit == null ? responses.get(DEFAULT) : explicit;
    ContractNode headers = response.find("headers");
    var known = new HashSet<String>();
    if (headers != null) {
      headers
          .members()
          .forEach(
              (name, header) -> {
                known.add(name.toLowerCase(Locale.ROOT));
                header(answer, name, header, flaws);
              });
    }
    headers(answer, known, Set.of(), flaws);
    body(answer, response, flaws, held);
  }

  private static void header(Answer answer, String name, ContractNode header, List<String> flaws) {
    String value = answer.headers().firstValue(name).orElse(null);
    if (value != null) {
      SchemaCheck.flaws(new Json.Text(value), header.get("schema"))
          .forEach(flaw -> flaws.add("header " + name + ": " + flaw));
    } else if (new Json.Truth(true).equals(header.raw().get("required"))) {
      flaws.add("header " + name + " is missing");
    }
  }

  private static void headers(
      Answer answer, Set<String> known, Set<String> more, List<String> flaws) {
    for (String name : answer.headers().map().keySet()) {
      String lower = name.toLowerCase(Locale.ROOT);
      if (!known.contains(lower) && !more.contains(lower) && !EVERYWHERE.contains(lower)) {
        flaws.add("header " + name + " is not described");
      }
    }
  }

  private static void body(
      Answer answer, ContractNode response, List<String> flaws, Set<String> held) {
    String type = answer.headers().firstValue("Content-Type").orElse("").replaceAll(";.*", "");
    ContractNode content = response.find("content");
    if (content == null) {
      if (!type.isEmpty() || !answer.body().isEmpty()) {
        flaws.add("there is a body, " + type + ", which is not described");
      }
      return;
    }
    ContractNode media = content.find(type);
    if (media == null) {
      flaws.add("the body is " + type + ", none of " + content.raw().keySet());
    } else if (!answer.method().equals("HEAD")) {
      OpenApiBody.check(answer, type, media, flaws, held);
      if (type.equals("application/problem+json")) {
        problem(answer, String.valueOf(response.text("description")), flaws);
      }
    }
  }

  /** A problem's code must be one of those that the response names. */
  private static void problem(Answer answer, String description, List<String> flaws) {
    Map<String, Json> body = StrictJson.object(answer.body()).values();
    if (!(body.get("code") instanceof Json.Text(String code))
        || !description.contains("`" + code + "`")) {
      flaws.add("the code is none of those in \"" + description + "\"");
    } else if (!new Json.Text("urn:holdfast:problem:" + code).equals(body.get("type"))) {
      flaws.add("its type is not that of its code");
    }
    if (!new Json.Numeral(Integer.toString(answer.status())).equals(body.get("status"))) {
      flaws.add("its status is not that of the answer");
    }
  }
}
