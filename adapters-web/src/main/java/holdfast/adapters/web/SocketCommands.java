package holdfast.adapters.web;

import holdfast.domain.port.StorageException;
import holdfast.domain.task.InvalidSpecException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the commands that come over one WebSocket, by the very calls that REST makes. What
 * concerns one task is done in the order in which it was sent; everything else side by side.
 */
final class SocketCommands {
  private static final Logger LOG = System.getLogger(SocketCommands.class.getName());
  private static final int UNDER_WAY_MAX = 64;
  private static final int ID_CHARS_MAX = 64;

  /** What a client may ask for. */
  static final Set<String> ACTIONS =
      Stream.concat(Stream.of("submit", "input"), TaskCalls.ACTIONS.stream())
          .collect(Collectors.toUnmodifiableSet());

  /** Stands in the audit trail for an action that is none: what a stranger writes is not told. */
  private static final String NO_ACTION = "command";

  private final SocketServices services;
  private final Outbox outbox;
  private final Gate.Guest guest;
  private final SocketAddress peer;
  private final Lanes lanes = new Lanes();
  private final Semaphore underWay = new Semaphore(UNDER_WAY_MAX);

  /**
   * A command.
   *
   * @param body null if there is none
   */
  private record Command(
      String id,
      String action,
      @Nullable String taskId,
      @Nullable Json body,
      @Nullable String idempotencyKey) {}

  SocketCommands(SocketServices services, Outbox outbox, Gate.Guest guest, SocketAddress peer) {
    this.services = services;
    this.outbox = outbox;
    this.guest = guest;
    this.peer = peer;
  }

  /**
   * The id of a message, or null if it has none.
   *
   * @throws RefusedException if it is not usable as one
   */
  static @Nullable String id(BodyReader message) {
    String id = message.text("id");
    message.violations().refuseIfAny();
    if (id != null && (id.isEmpty() || id.length() > ID_CHARS_MAX)) {
      throw new RefusedException(
          Problem.invalid("/id", "must have 1 to " + ID_CHARS_MAX + " characters"));
    }
    return id;
  }

  /**
   * Begins a command; its result follows when it is durable. Waits while too many are under way:
   * the client is not read from meanwhile.
   *
   * @throws RefusedException if it is not understood
   */
  void begin(String id, BodyReader message) throws InterruptedException {
    String action = message.text("action");
    String taskId = message.text("taskId");
    Json body = message.any("body");
    String key = message.text("idempotencyKey");
    if (action == null) {
      message.complain("action", "is missing");
    } else if (!ACTIONS.contains(action)) {
      message.complain("action", "is none that is known here");
    } else if (action.equals("submit") == (taskId != null)) {
      message.complain("taskId", taskId == null ? "is missing" : "does not belong here");
    } else if (key != null && !action.equals("submit")) {
      message.complain("idempotencyKey", "goes with submit only");
    }
    message.finish();
    String known = action != null && ACTIONS.contains(action) ? action : NO_ACTION;
    if (!message.violations().isEmpty()) {
      audited(known, taskId).refused(ProblemCode.INVALID);
      message.violations().refuseIfAny();
    }
    var command = new Command(id, known, taskId, body, key);
    underWay.acquire();
    outbox.commandBegun();
    if (!guest.mayCommand()) {
      var refusal = Problem.of(ProblemCode.FORBIDDEN, "the token of this socket is for reading");
      outbox.result(result(id, refused(refusal, audited(command))), underWay::release);
      return;
    }
    if (taskId == null) {
      Thread.ofVirtual().name("command").start(() -> carryOut(command));
    } else {
      lanes.run(taskId, () -> carryOut(command));
    }
  }

  /** Notes one that nobody can be answered about, since it has no id that is usable. */
  void noteWithoutId() {
    audited(NO_ACTION, null).refused(ProblemCode.INVALID);
  }

  private AuditedRequest audited(Command command) {
    return audited(command.action(), command.taskId());
  }

  private AuditedRequest audited(String action, @Nullable String taskId) {
    return new AuditedRequest(services.application().audit(), "ws", peer)
        .command(guest.actor(), action, taskId);
  }

  private void carryOut(Command command) {
    AuditedRequest audited = audited(command);
    Response.Whole response;
    try {
      response = audited.run(() -> call(command));
      audited.done(null);
    } catch (RefusedException refused) {
      response = refused(refused.problem(), audited);
    } catch (InvalidSpecException invalid) {
      response = refused(Problem.invalid(invalid.violations()), audited);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      response = refused(Problem.of(ProblemCode.STOPPING, "the server is going away"), audited);
    } catch (StorageException failure) {
      audited.refused(ProblemCode.INTERNAL);
      response = failed(failure, "the storage failed; see the server's log");
    } catch (RuntimeException failure) {
      audited.refused(ProblemCode.INTERNAL);
      response = failed(failure, "an error nobody foresaw; see the server's log");
    }
    outbox.result(result(command.id(), response), underWay::release);
  }

  private static Response.Whole refused(Problem problem, AuditedRequest audited) {
    audited.refused(problem.code());
    return Answers.rendered(problem).response();
  }

  private static Response.Whole failed(RuntimeException failure, String detail) {
    Answers.Rendered rendered = Answers.rendered(Problem.of(ProblemCode.INTERNAL, detail));
    LOG.log(Level.ERROR, "command " + rendered.requestId() + " failed", failure);
    return rendered.response();
  }

  private Response.Whole call(Command command) throws InterruptedException {
    TaskCalls calls = services.calls();
    String taskId = command.taskId();
    if (taskId == null) {
      Json.Members body = members(command.body());
      return calls.submit(body == null ? StrictJson.object("") : body, command.idempotencyKey());
    }
    return command.action().equals("input")
        ? input(taskId, command.body())
        : calls.act(taskId, command.action(), members(command.body()), null);
  }

  private static Json.@Nullable Members members(@Nullable Json body) {
    return switch (body) {
      case null -> null;
      case Json.Members members -> members;
      case Json other ->
          throw new RefusedException(
              Problem.invalid("/body", "is " + other.kind() + "; an object is expected"));
    };
  }

  /** The text to write, or an object with it and with whether the input ends behind it. */
  private Response.Whole input(String taskId, @Nullable Json body) {
    return switch (body) {
      case Json.Text(String text) -> input(taskId, text, false);
      case Json.Members members -> {
        var violations = new Violations();
        var reader = new BodyReader(members, "/body", violations);
        String text = reader.text("text");
        Boolean end = reader.truth("end");
        reader.finish();
        violations.refuseIfAny();
        yield input(taskId, text == null ? "" : text, end != null && end);
      }
      case null, default ->
          throw new RefusedException(Problem.invalid("/body", "must be the text to write"));
    };
  }

  private Response.Whole input(String taskId, String text, boolean end) {
    return services.calls().input(taskId, text.getBytes(StandardCharsets.UTF_8), end);
  }

  private static byte[] result(String id, Response.Whole response) {
    var json = new JsonBytes(128 + response.body().length);
    json.ascii("{\"type\":\"result\",\"id\":").text(id);
    json.ascii(",\"status\":").number(response.status().code()).ascii(",\"body\":");
    if (response.body().length == 0) {
      json.ascii("null");
    } else {
      json.raw(response.body());
    }
    return json.ascii("}").toBytes();
  }
}
