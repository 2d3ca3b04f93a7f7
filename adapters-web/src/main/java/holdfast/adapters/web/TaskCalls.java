package holdfast.adapters.web;

import holdfast.application.Answer;
import holdfast.application.Holdfast;
import holdfast.application.Lookup;
import holdfast.application.TaskInput.InputAnswer;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskLimits;
import holdfast.domain.task.TaskSpec;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What clients may do with tasks, the same for REST and for WebSocket commands: one path, two
 * drivers. Every method returns when the change is durable, and throws {@link RefusedException}
 * where the answer is a problem.
 */
final class TaskCalls {
  /** The verbs that take an id and answer with the task. */
  static final List<String> ACTIONS = List.of("cancel", "stop", "kill", "retry", "hold", "release");

  private static final byte[] NOTHING = new byte[0];
  private static final Duration RETRY_INPUT = Duration.ofSeconds(1);

  private final Holdfast application;
  private final Rendering rendering;
  private final SpecReading specs;

  TaskCalls(Holdfast application, Rendering rendering, SpecReading specs) {
    this.application = application;
    this.rendering = rendering;
    this.specs = specs;
  }

  Response.Whole submit(Json.Members body, @Nullable String key) throws InterruptedException {
    SpecReading.Submission submission = SpecReading.checked(specs::submission, body);
    Answer<Stored<Task>> answer =
        application
            .tasks()
            .submit(submission.spec(), submission.hold(), Idempotency.key(key, body));
    if (!(answer instanceof Answer.Done<Stored<Task>>(Stored<Task> stored, boolean replayed))) {
      throw Answers.refusal(answer);
    }
    Task task = stored.entity();
    return created(rendering.task(stored), "/api/tasks/" + task.id(), task.revision(), replayed);
  }

  static Response.Whole created(byte[] body, String location, long revision, boolean replayed) {
    Header where = HeaderValues.create(HeaderNames.LOCATION, location);
    Header etag = Answers.etag(revision);
    return replayed
        ? Answers.json(Status.CREATED_201, body, where, etag, Idempotency.REPLAYED)
        : Answers.json(Status.CREATED_201, body, where, etag);
  }

  /**
   * @param action one of {@link #ACTIONS}
   * @param body may be empty; only stop takes members
   */
  Response.Whole act(
      String id, String action, Json.@Nullable Members body, @Nullable Precondition ifMatch)
      throws InterruptedException {
    TaskId task = taskId(id);
    TaskCommand command = command(action, body);
    Answer<Stored<Task>> answer =
        application.tasks().command(task, command, expected(task, ifMatch));
    return withTask(Status.ACCEPTED_202, answer);
  }

  Response.Whole patch(String id, Json.Members body, Precondition ifMatch)
      throws InterruptedException {
    TaskId task = taskId(id);
    UnaryOperator<TaskSpec> change = specs.patch(body);
    return withTask(
        Status.OK_200, application.tasks().patch(task, change, expected(task, ifMatch)));
  }

  Response.Whole purge(String id, @Nullable Precondition ifMatch) throws InterruptedException {
    TaskId task = taskId(id);
    Answer<EntityKey> answer = application.tasks().purge(task, expected(task, ifMatch));
    if (!(answer instanceof Answer.Done<EntityKey>)) {
      throw Answers.refusal(answer);
    }
    return noContent();
  }

  Response.Whole input(String id, byte[] bytes, boolean end) {
    TaskId task = taskId(id);
    EntityKey key = EntityKey.of(task);
    Problem problem =
        switch (application.input().write(task, ByteBuffer.wrap(bytes), end)) {
          case InputAnswer.Accepted _ -> null;
          case InputAnswer.NotFound _ -> Answers.notFound(key);
          case InputAnswer.Gone _ -> Answers.purged(key);
          case InputAnswer.WrongState(var rejection) -> Answers.wrongState(rejection);
          case InputAnswer.Closed(String reason) -> Problem.of(ProblemCode.INPUT_CLOSED, reason);
          case InputAnswer.Full(int capacityBytes) ->
              Problem.retryAfter(
                  ProblemCode.INPUT_FULL,
                  "the task does not read its input, and the pipe of "
                      + capacityBytes
                      + " bytes has no room for this; nothing of it was written",
                  RETRY_INPUT);
        };
    if (problem != null) {
      throw new RefusedException(problem);
    }
    return noContent();
  }

  /** The present task. */
  Stored<Task> find(String id) {
    TaskId task = taskId(id);
    return switch (application.state().task(task)) {
      case Lookup.Found<Stored<Task>>(Stored<Task> stored) -> stored;
      case Lookup.Missing<Stored<Task>> _ ->
          throw new RefusedException(Answers.notFound(EntityKey.of(task)));
      case Lookup.Purged<Stored<Task>> _ ->
          throw new RefusedException(Answers.purged(EntityKey.of(task)));
    };
  }

  /**
   * @throws RefusedException with status 404: what cannot be an id is not the id of anything
   */
  static TaskId taskId(String text) {
    if (!TaskId.isValid(text)) {
      throw new RefusedException(Problem.of(ProblemCode.NOT_FOUND, "this is not the id of a task"));
    }
    return new TaskId(text);
  }

  /** The revision that the client insists on, or null. */
  @Nullable Long expected(TaskId id, @Nullable Precondition ifMatch) {
    if (ifMatch == null) {
      return null;
    }
    return application.state().task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
        ? ifMatch.expected(stored.entity().revision())
        : ifMatch.expected(0);
  }

  private static TaskCommand command(String action, Json.@Nullable Members json) {
    var violations = new Violations();
    BodyReader body = json == null ? null : new BodyReader(json, "", violations);
    TaskCommand command =
        switch (action) {
          case "cancel" -> new TaskCommand.Cancel();
          case "stop" -> new TaskCommand.Stop(body == null ? null : grace(body));
          case "kill" -> new TaskCommand.Kill();
          case "retry" -> new TaskCommand.Retry();
          case "hold" -> new TaskCommand.Hold();
          case "release" -> new TaskCommand.Release();
          default -> throw new IllegalArgumentException("not an action: " + action);
        };
    if (body != null) {
      body.finish();
    }
    violations.refuseIfAny();
    return command;
  }

  private static @Nullable Duration grace(BodyReader body) {
    Duration grace = body.duration("grace");
    if (grace != null && (grace.isNegative() || grace.compareTo(TaskLimits.DURATION_MAX) > 0)) {
      body.complain("grace", "must be from zero to 365 days");
    }
    return grace;
  }

  Response.Whole withTask(Status status, Answer<Stored<Task>> answer) {
    if (!(answer instanceof Answer.Done<Stored<Task>>(Stored<Task> stored, boolean _))) {
      throw Answers.refusal(answer);
    }
    return Answers.json(status, rendering.task(stored), Answers.etag(stored.entity().revision()));
  }

  static Response.Whole noContent() {
    return new Response.Whole(Status.NO_CONTENT_204, NOTHING, List.of());
  }
}
