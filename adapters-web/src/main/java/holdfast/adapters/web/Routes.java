package holdfast.adapters.web;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The table of everything the server answers to; what is not in it does not exist. Paths are
 * compared as they were sent, without decoding: no path of ours needs an escape, so there is no
 * second spelling of any.
 */
final class Routes {
  private final List<Route> all;
  private final Node root = new Node();

  /** One segment's place in the tree of paths. */
  private static final class Node {
    private final Map<String, Node> literals = new HashMap<>();
    private final Map<String, Route> byMethod = new TreeMap<>();
    private @Nullable Node parameter;
  }

  /**
   * What stands at a path.
   *
   * @param parameter the segment that varies, or null if the path has none
   */
  record Match(Map<String, Route> byMethod, @Nullable String parameter) {
    /** The route for a method; HEAD is served wherever GET is. */
    @Nullable Route route(String method) {
      Route route = byMethod.get(method);
      return route == null && method.equals("HEAD") ? byMethod.get("GET") : route;
    }

    /** For the Allow header. */
    String allowed() {
      var methods = new ArrayList<String>(byMethod.keySet());
      if (methods.contains("GET")) {
        methods.add("HEAD");
      }
      methods.add("OPTIONS");
      return String.join(", ", methods);
    }
  }

  Routes(Collection<Route> routes) {
    all = List.copyOf(routes);
    for (Route route : all) {
      Node node = root;
      for (String segment : route.pattern().substring(1).split("/", -1)) {
        node = child(node, segment);
      }
      if (node.byMethod.put(route.method(), route) != null) {
        throw new IllegalArgumentException("twice: " + route.method() + " " + route.pattern());
      }
    }
  }

  private static Node child(Node node, String segment) {
    if (!segment.equals(Route.PARAMETER)) {
      return node.literals.computeIfAbsent(segment, _ -> new Node());
    }
    Node child = node.parameter;
    if (child == null) {
      child = new Node();
      node.parameter = child;
    }
    return child;
  }

  List<Route> all() {
    return all;
  }

  /** What stands at {@code path}, or null if nothing does. */
  @Nullable Match find(String path) {
    Node node = root;
    String parameter = null;
    int from = 1;
    while (from <= path.length()) {
      int slash = path.indexOf('/', from);
      int to = slash < 0 ? path.length() : slash;
      String segment = path.substring(from, to);
      Node next = node.literals.get(segment);
      if (next == null) {
        next = node.parameter;
        parameter = segment;
      }
      if (next == null) {
        return null;
      }
      node = next;
      from = to + 1;
    }
    return node.byMethod.isEmpty() ? null : new Match(node.byMethod, parameter);
  }
}
