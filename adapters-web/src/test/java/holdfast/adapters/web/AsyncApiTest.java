package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** {@code asyncapi.json} by itself, and its words beside those of the code. */
class AsyncApiTest {
  private static final ContractNode ROOT = ContractNode.asyncApi();
  private static final ContractNode CHANNEL = ROOT.get("channels").get("socket");
  private final ContractShapes shapes = new ContractShapes();

  private void assertSound() {
    assertEquals(List.of(), shapes.flaws());
  }

  @Test
  void itHasWhatTheSpecificationDemands() {
    shapes.shape(
        ROOT,
        "the document",
        "asyncapi info",
        "defaultContentType servers channels operations components");
    assertEquals("3.0.0", ROOT.text("asyncapi"));
    shapes.shape(ROOT.get("info"), "info", "title version", "description");
    ROOT.get("servers")
        .members()
        .forEach((name, one) -> shapes.shape(one, name, "host protocol", "description security"));
    shapes.shape(CHANNEL, "socket", "address messages", "description bindings x-close-codes");
    assertEquals("/ws", CHANNEL.text("address"));
    ROOT.get("operations")
        .members()
        .forEach(
            (name, operation) -> {
              shapes.shape(operation, name, "action channel messages", "summary reply");
              shapes.require(
                  Set.of("send", "receive").contains(String.valueOf(operation.text("action"))),
                  name + " neither sends nor receives");
              ofTheChannel(name, operation);
              ContractNode reply = operation.find("reply");
              if (reply != null) {
                shapes.shape(reply, name, "channel messages", "");
                ofTheChannel(name, reply);
              }
            });
    CHANNEL
        .get("messages")
        .members()
        .forEach(
            (name, message) ->
                shapes.shape(
                    message,
                    name,
                    "summary",
                    "description contentType correlationId payload examples x-layout"));
    assertSound();
  }

  /** Messages of an operation are given by their place in the channel. */
  private void ofTheChannel(String name, ContractNode holder) {
    assertEquals(CHANNEL, holder.get("channel"));
    ((Json.Elements) holder.raw().get("messages"))
        .values()
        .forEach(
            one ->
                shapes.require(
                    String.valueOf(holder.node(one).reference())
                        .startsWith("asyncapi.json#/channels/socket/messages/"),
                    name + " has a message that is not of the channel"));
  }

  @Test
  void everyReferenceLeadsSomewhereAndEveryComponentIsUsed() {
    Set<String> used = ContractShapes.references(ROOT);
    for (String kind : List.of("securitySchemes", "messages", "schemas")) {
      for (String name : ROOT.get("components").get(kind).raw().keySet()) {
        shapes.require(
            used.contains("asyncapi.json#/components/" + kind + "/" + name), name + " is not used");
      }
    }
    var spoken = new TreeSet<>(AsyncApi.fromClient().keySet());
    spoken.addAll(AsyncApi.fromServer().keySet());
    assertEquals(new TreeSet<>(CHANNEL.get("messages").raw().keySet()), spoken);
    assertSound();
  }

  @Test
  void whatIsSentHasAllItsMembersAlways() {
    AsyncApi.fromServer()
        .forEach(
            (name, message) -> {
              ContractNode payload = message.find("payload");
              if (payload != null) {
                shapes.always(name, payload, Set.of());
              }
            });
    for (String name : List.of("Component", "SyncItem", "ConflictItem")) {
      shapes.always(name, ROOT.get("components").get("schemas").get(name), Set.of());
    }
    assertSound();
  }

  @Test
  void everyCodeOfACloseIsThere() {
    assertEquals(
        Arrays.stream(CloseCode.values())
            .map(code -> Integer.toString(code.number()))
            .collect(Collectors.toSet()),
        CHANNEL.get("x-close-codes").raw().keySet());
  }

  @Test
  void commandsAreThoseThatTheServerTakes() {
    var actions = new TreeSet<String>();
    for (ContractNode message : AsyncApi.fromClient().values()) {
      ContractNode action = message.get("payload").get("properties").find("action");
      if (action != null) {
        ContractNode only = action.find("const");
        if (only != null) {
          actions.add(((Json.Text) only.value()).value());
        } else {
          action
              .get("enum")
              .elements()
              .forEach(one -> actions.add(((Json.Text) one.value()).value()));
        }
      }
    }
    var known = new TreeSet<>(TaskCalls.ACTIONS);
    known.addAll(List.of("submit", "input"));
    assertEquals(known, actions);
    assertTrue(actions.contains("stop"));
  }
}
