package holdfast.adapters.web;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What both documents must have by their specifications, as far as they use them. */
final class ContractShapes {
  private final List<String> flaws = new ArrayList<>();

  List<String> flaws() {
    return flaws;
  }

  void require(boolean right, String otherwise) {
    if (!right) {
      flaws.add(otherwise);
    }
  }

  /**
   * An object of a kind: every required member is there, and every member is one that there is.
   *
   * @param where to tell people
   * @param required and further members, separated by spaces
   */
  void shape(ContractNode node, String where, String required, String further) {
    var allowed = new TreeSet<String>();
    for (String name : required.split(" ", -1)) {
      allowed.add(name);
      require(node.raw().containsKey(name), where + " has no " + name);
    }
    allowed.addAll(List.of(further.split(" ", -1)));
    node.raw()
        .keySet()
        .forEach(name -> require(allowed.contains(name), where + " cannot have " + name));
  }

  /** Everything that is referred to, wherever; each reference must lead somewhere. */
  static Set<String> references(ContractNode from) {
    var found = new TreeSet<String>();
    collect(from, found);
    return found;
  }

  /** The same with whatever that refers to in its turn. */
  static Set<String> reached(ContractNode from) {
    Set<String> all = references(from);
    var next = new ArrayDeque<>(all);
    while (!next.isEmpty()) {
      for (String reference : references(ContractNode.at(next.remove()))) {
        if (all.add(reference)) {
          next.add(reference);
        }
      }
    }
    return all;
  }

  private static void collect(ContractNode node, Set<String> found) {
    String reference = node.reference();
    if (reference != null) {
      node.followed();
      found.add(reference);
      return;
    }
    switch (node.value()) {
      case Json.Members(Map<String, Json> members) ->
          members.values().forEach(member -> collect(node.node(member), found));
      case Json.Elements(List<Json> elements) ->
          elements.forEach(element -> collect(node.node(element), found));
      case Json.Text _, Json.Numeral _, Json.Truth _, Json.Null _ -> {}
    }
  }

  /**
   * What the server sends has all its members always, null where there is nothing to say: whatever
   * may be absent must be allowed here by name.
   */
  void always(String name, ContractNode schema, Set<String> exceptions) {
    ContractNode properties = schema.find("properties");
    if (properties != null
        && !schema.raw().containsKey("additionalProperties")
        && !exceptions.contains(name)) {
      var required = new TreeSet<String>();
      ContractNode says = schema.find("required");
      if (says != null) {
        says.elements().forEach(one -> required.add(((Json.Text) one.value()).value()));
      }
      require(
          required.equals(new TreeSet<>(properties.raw().keySet())),
          name + " requires " + required + " of " + properties.raw().keySet());
    }
    schema.raw().forEach((_, member) -> nested(name, schema.node(member), exceptions));
  }

  private void nested(String name, ContractNode node, Set<String> exceptions) {
    if (node.value() instanceof Json.Members && node.reference() == null) {
      always(name, node, exceptions);
    } else if (node.value() instanceof Json.Elements(List<Json> elements)) {
      elements.forEach(element -> nested(name, node.node(element), exceptions));
    }
  }
}
