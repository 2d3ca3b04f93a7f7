package holdfast.adapters.web;

import holdfast.adapters.web.OpenApi.Answer;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/** Compares the body of an answer with what the document says of its media type. */
final class OpenApiBody {
  private OpenApiBody() {}

  /**
   * @param fitted is told which schemas parts of the body were held to, and fit
   */
  static void check(
      Answer answer, String type, ContractNode media, List<String> flaws, Set<String> fitted) {
    switch (type) {
      case "application/json", "application/problem+json" ->
          json(answer.body(), member(media, "schema"), flaws, fitted);
      case "application/x-ndjson" ->
          answer
              .body()
              .lines()
              .forEach(line -> json(line, member(media, "x-line-schema"), flaws, fitted));
      case "text/event-stream" -> {
        for (String event : answer.body().split("\n\n", -1)) {
          event(event, media.get("x-event-schemas"), flaws, fitted);
        }
      }
      case "text/plain", "application/octet-stream" -> {}
      default -> flaws.add("nobody knows how to look into " + type);
    }
  }

  /** A member with its reference, so that it is known which schema it is. */
  private static ContractNode member(ContractNode node, String name) {
    return node.node(Objects.requireNonNull(node.raw().get(name), name));
  }

  private static void json(
      String text, ContractNode schema, List<String> flaws, Set<String> fitted) {
    try {
      flaws.addAll(SchemaCheck.flaws(StrictJson.object(text), schema, fitted));
    } catch (RefusedException refused) {
      flaws.add("it is no JSON: " + refused.problem().detail());
    }
  }

  private static void event(
      String event, ContractNode schemas, List<String> flaws, Set<String> fitted) {
    String name = fields(event, "event: ");
    String data = fields(event, "data: ");
    if (name.isEmpty() && data.isEmpty()) {
      return;
    }
    if (schemas.raw().containsKey(name)) {
      json(data, member(schemas, name), flaws, fitted);
    } else {
      flaws.add("the event " + name + " is not described");
    }
  }

  private static String fields(String event, String field) {
    return event
        .lines()
        .filter(line -> line.startsWith(field))
        .map(line -> line.substring(field.length()))
        .collect(Collectors.joining("\n"));
  }
}
