package holdfast.adapters.web;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A place in one of the two documents of the contract.
 *
 * @param file that it is in; references without a file are to the same one
 */
record ContractNode(String file, Json value) {
  private static final Map<String, Json> FILES =
      Map.of("openapi.json", load("openapi.json"), "asyncapi.json", load("asyncapi.json"));
  private static final String REFERENCE = "$ref";

  static ContractNode openApi() {
    return root("openapi.json");
  }

  static ContractNode asyncApi() {
    return root("asyncapi.json");
  }

  private static ContractNode root(String file) {
    Json value = FILES.get(file);
    if (value == null) {
      throw new AssertionError("there is no document " + file);
    }
    return new ContractNode(file, value);
  }

  /** Read as strictly as what clients send: no member occurs twice. */
  private static Json load(String file) {
    try {
      return StrictJson.object(new String(DocumentRoutes.read(file), StandardCharsets.UTF_8));
    } catch (RefusedException refused) {
      throw new AssertionError(file + ": " + refused.problem(), refused);
    }
  }

  /** Its members, or none if it is no object; a reference is a member like any other. */
  Map<String, Json> raw() {
    return value instanceof Json.Members(Map<String, Json> members) ? members : Map.of();
  }

  /** Its members by name, each followed. */
  Map<String, ContractNode> members() {
    var members = new TreeMap<String, ContractNode>();
    raw().forEach((name, member) -> members.put(name, node(member).followed()));
    return members;
  }

  /** Its elements, each followed; none if it is no array. */
  List<ContractNode> elements() {
    return value instanceof Json.Elements(List<Json> elements)
        ? elements.stream().map(element -> node(element).followed()).toList()
        : List.of();
  }

  ContractNode node(Json other) {
    return new ContractNode(file, other);
  }

  /** A member, followed, or null. */
  @Nullable ContractNode find(String name) {
    Json member = raw().get(name);
    return member == null ? null : node(member).followed();
  }

  /** A member, which must be there, followed. */
  ContractNode get(String name) {
    ContractNode found = find(name);
    if (found == null) {
      throw new AssertionError(file + ": no " + name + " in " + value);
    }
    return found;
  }

  /** A member that is a text, or null. */
  @Nullable String text(String name) {
    return raw().get(name) instanceof Json.Text(String text) ? text : null;
  }

  /** What it refers to, with the file, or null if it is no reference. */
  @Nullable String reference() {
    String reference = text(REFERENCE);
    if (reference == null) {
      return null;
    }
    if (raw().size() > 1) {
      throw new AssertionError(file + ": readers ignore what stands beside " + reference);
    }
    return reference.startsWith("#") ? file + reference : reference;
  }

  /** This, or what it refers to. */
  ContractNode followed() {
    String reference = reference();
    return reference == null ? this : at(reference);
  }

  /** What stands at {@code file#/place}. */
  static ContractNode at(String reference) {
    int hash = reference.indexOf('#');
    ContractNode found = root(reference.substring(0, Math.max(0, hash)));
    for (String segment : reference.substring(hash + 2).split("/", -1)) {
      Json next = found.raw().get(segment.replace("~1", "/").replace("~0", "~"));
      if (next == null) {
        throw new AssertionError(reference + " refers to nothing");
      }
      found = found.node(next);
    }
    return found.followed();
  }
}
