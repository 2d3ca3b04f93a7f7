package holdfast.adapters.web;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What {@code asyncapi.json} says of messages. */
final class AsyncApi {
  private static final ContractNode ROOT = ContractNode.asyncApi();
  private static final Map<String, ContractNode> FROM_SERVER = messages("send", "receive");
  private static final Map<String, ContractNode> FROM_CLIENT = messages("receive", "none");

  private AsyncApi() {}

  /** Messages that clients send, by name. */
  static Map<String, ContractNode> fromClient() {
    return FROM_CLIENT;
  }

  /** Messages that the server sends, by name, binary ones included. */
  static Map<String, ContractNode> fromServer() {
    return FROM_SERVER;
  }

  /** Those of operations of one kind, and the replies of another. */
  private static Map<String, ContractNode> messages(String action, String answered) {
    var messages = new TreeMap<String, ContractNode>();
    for (ContractNode operation : ROOT.get("operations").members().values()) {
      if (action.equals(operation.text("action"))) {
        add(operation, messages);
      }
      ContractNode reply = operation.find("reply");
      if (answered.equals(operation.text("action")) && reply != null) {
        add(reply, messages);
      }
    }
    return messages;
  }

  private static void add(ContractNode holder, Map<String, ContractNode> messages) {
    if (holder.raw().get("messages") instanceof Json.Elements(List<Json> references)) {
      for (Json reference : references) {
        ContractNode node = holder.node(reference);
        String path = String.valueOf(node.reference());
        messages.put(path.substring(path.lastIndexOf('/') + 1), node.followed());
      }
    }
  }

  /**
   * Holds a text that the server sent to the document.
   *
   * @return the names of the messages that it can be; several only if it is an empty list
   */
  static List<String> hold(String text) {
    return hold(text, new TreeSet<>());
  }

  /**
   * The same.
   *
   * @param fitted is told which schemas parts of it were held to, and fit
   */
  static List<String> hold(String text, Set<String> fitted) {
    Json.Members message = StrictJson.object(text);
    Json type = message.values().get("type");
    var flaws = new LinkedHashMap<String, List<String>>();
    FROM_SERVER.forEach(
        (name, described) -> {
          ContractNode payload = described.find("payload");
          if (payload != null
              && payload.get("properties").get("type").get("const").value().equals(type)) {
            flaws.put(name, SchemaCheck.flaws(message, payload, fitted));
          }
        });
    List<String> fitting =
        flaws.keySet().stream().filter(name -> flaws.get(name).isEmpty()).toList();
    if (fitting.isEmpty()) {
      String closest =
          flaws.keySet().stream()
              .min(Comparator.comparingInt(name -> flaws.get(name).size()))
              .map(name -> name + ": " + flaws.get(name))
              .orElse("it has a type that is not described");
      throw new AssertionError(
          "a message is otherwise than asyncapi.json says, " + closest + "\n" + text);
    }
    return fitting;
  }
}
