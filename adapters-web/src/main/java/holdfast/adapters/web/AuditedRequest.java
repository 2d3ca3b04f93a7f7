package holdfast.adapters.web;

import holdfast.application.Audit;
import holdfast.application.Behalf;
import holdfast.domain.port.Attribution;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of one request or command, for the audit trail: an entry if it changed something
 * that is in no journal, or if it was refused. What was committed on its behalf has its entries
 * already. For the thread that serves it.
 *
 * <p>Of a path only the route's pattern is told, and an id: what else a stranger writes there, or
 * into a query or a header, may be a secret that slipped.
 */
final class AuditedRequest {
  private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS");

  /** Input is no change of ours, and comes too often to wait for the disk each time. */
  private static final Set<String> NOT_WAITED_FOR =
      Set.of("POST /api/tasks/{id}/input", "ws input");

  private static final Pattern TARGET = Pattern.compile("[0-9A-Za-z.-]{1,64}");

  /** Not let in, whatever the method: those who ask are told of. */
  private static final Set<ProblemCode> AT_THE_DOOR =
      Set.of(
          ProblemCode.UNAUTHORIZED,
          ProblemCode.FORBIDDEN,
          ProblemCode.WRONG_HOST,
          ProblemCode.WRONG_ORIGIN,
          ProblemCode.TOO_MANY_REQUESTS);

  private final @Nullable Audit audit;
  private final String method;
  private final SocketAddress peer;
  private String action;
  private String actor = "nobody";
  private @Nullable String target;
  private boolean isChanging;
  private boolean bearsCode;
  private @Nullable Behalf behalf;

  /**
   * @param audit null while there is none: before recovery is done
   * @param method upper case
   */
  AuditedRequest(@Nullable Audit audit, String method, SocketAddress peer) {
    this.audit = audit;
    this.method = method;
    this.peer = peer;
    action = method;
    isChanging = !READING.contains(method);
  }

  /** Where a connection comes from. */
  static String from(SocketAddress peer) {
    return peer instanceof InetSocketAddress internet && internet.getAddress() != null
        ? internet.getAddress().getHostAddress()
        : "unknown";
  }

  /**
   * It is a command that came over a WebSocket.
   *
   * @param as whom its client was let in
   */
  AuditedRequest command(String as, String name, @Nullable String task) {
    action = method + " " + name;
    target = shown(task);
    actor = as;
    return this;
  }

  /** It is about this route. */
  void about(Route route, @Nullable String parameter) {
    action = method + " " + route.pattern();
    target = shown(parameter);
    bearsCode = route.access() == Access.CODE;
    isChanging |= bearsCode;
  }

  private static @Nullable String shown(@Nullable String id) {
    return id != null && TARGET.matcher(id).matches() ? id : null;
  }

  /** Whoever asks was let in as this. */
  void admitted(String as) {
    actor = as;
  }

  /** Does it, on behalf of whoever asks. */
  <T, X extends Throwable> T run(ScopedValue.CallableOp<? extends T, X> action) throws X {
    if (!isChanging) {
      return action.call();
    }
    var whose = new Behalf(by());
    behalf = whose;
    return whose.call(action);
  }

  private Attribution by() {
    return new Attribution(actor, from(peer), action);
  }

  /** It was done; returns when the entry is durable, if anything was changed. */
  void done(@Nullable String query) {
    Behalf whose = behalf;
    if (audit != null && isChanging && whose != null && !whose.isTold()) {
      Map<String, Object> details =
          query == null || query.isEmpty() || bearsCode ? Map.of() : Map.of("query", query);
      audit.done(by(), target, details, !NOT_WAITED_FOR.contains(action));
    }
  }

  /** It was refused, or failed. */
  void refused(ProblemCode problem) {
    if (audit != null && (isChanging || AT_THE_DOOR.contains(problem))) {
      audit.refused(by(), target, problem.code());
    }
  }
}
