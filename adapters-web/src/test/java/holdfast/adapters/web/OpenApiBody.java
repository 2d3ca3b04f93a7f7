package holdfast.adapters.web;

import holdfast.adapters.web.OpenApi.Answer;
import java.util.List;
import java.util.stream.Collectors;

/** Compares the body of an answer with what the document says of its media type. */
final class OpenApiBody {
  private OpenApiBody() {}

  static void check(Answer answer, String type, ContractNode media, List<String> flaws) {
    switch (type) {
      case "application/json", "application/problem+json" ->
          json(answer.body(), media.get("schema"), flaws);
      case "application/x-ndjson" ->
          answer.body().lines().forEach(line -> json(line, media.get("x-line-schema"), flaws));
      case "text/event-stream" -> {
        for (String event : answer.body().split("\n\n", -1)) {
          event(event, media.get("x-event-schemas"), flaws);
        }
      }
      case "text/plain", "application/octet-stream" -> {}
      default -> flaws.add("nobody knows how to look into " + type);
    }
  }

  private static void json(String text, ContractNode schema, List<String> flaws) {
    try {
      flaws.addAll(SchemaCheck.flaws(StrictJson.object(text), schema));
    } catch (RefusedException refused) {
      flaws.add("it is no JSON: " + refused.problem().detail());
    }
  }

  private static void event(String event, ContractNode schemas, List<String> flaws) {
    String name = fields(event, "event: ");
    String data = fields(event, "data: ");
    if (name.isEmpty() && data.isEmpty()) {
      return;
    }
    ContractNode schema = schemas.find(name);
    if (schema == null) {
      flaws.add("the event " + name + " is not described");
    } else {
      json(data, schema, flaws);
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
