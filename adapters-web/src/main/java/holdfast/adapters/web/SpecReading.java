package holdfast.adapters.web;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.task.InvalidSpecException;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskLimits;
import holdfast.domain.task.TaskSpec;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Reads specifications from request bodies. A wrong type and a broken rule of the domain are
 * reported alike, and together where the types allow the domain to look at all.
 */
final class SpecReading {
  private static final int DERIVED_TITLE_CHARS_MAX = 80;
  private static final Duration STOP_GRACE = Duration.ofSeconds(10);
  private static final Map<String, OnLost> ON_LOST =
      Map.of("fail", OnLost.FAIL, "rerun", OnLost.RERUN);
  private static final Map<String, StdinMode> STDIN =
      Map.of("none", StdinMode.NONE, "pipe", StdinMode.PIPE);
  private static final Map<String, OutputMode> OUTPUT =
      Map.of("merged", OutputMode.MERGED, "split", OutputMode.SPLIT);

  private final String defaultCwd;

  /**
   * A task to be submitted.
   *
   * @param hold whether it is to wait until somebody releases it
   */
  record Submission(TaskSpec spec, boolean hold) {}

  /**
   * @param defaultCwd absolute path of the working directory of commands that name none
   */
  SpecReading(String defaultCwd) {
    this.defaultCwd = defaultCwd;
  }

  /**
   * @throws RefusedException with status 400
   */
  Submission submission(Json.Members json) {
    var violations = new Violations();
    var body = new BodyReader(json, "", violations);
    if (!body.has("command")) {
      body.complain("command", "is missing: a non-empty array of strings is required");
    }
    List<String> command = or(body.texts("command"), List.of());
    String title = body.text("title");
    String cwd = or(body.text("cwd"), defaultCwd);
    Map<String, String> env = or(body.textMap("env"), Map.of());
    SecretNames.refuseMarks(env, violations);
    String initiative = initiative(body);
    refuseDependencies(body);
    Integer priority = priority(body);
    Map<String, String> labels = or(body.textMap("labels"), Map.of());
    Boolean hold = body.truth("hold");
    Duration timeout = body.duration("timeout");
    Duration stopGrace = or(body.duration("stopGrace"), STOP_GRACE);
    RetryPolicy retry = retry(body.object("retry"));
    OnLost onLost = or(body.choice("onLost", ON_LOST), OnLost.FAIL);
    StdinMode stdin = or(body.choice("stdin", STDIN), StdinMode.NONE);
    OutputMode output = or(body.choice("output", OUTPUT), OutputMode.MERGED);
    body.finish();
    violations.refuseIfAny();
    TaskSpec spec =
        new TaskSpec(
            title == null ? TaskSpec.titleOf(command, DERIVED_TITLE_CHARS_MAX) : title,
            command,
            cwd,
            env,
            initiative,
            or(priority, 0),
            labels,
            timeout,
            stopGrace,
            retry,
            onLost,
            stdin,
            output);
    return new Submission(spec, or(hold, false));
  }

  /**
   * The change that a PATCH asks for: members that are given are replaced, null stands for the
   * default.
   *
   * @throws RefusedException with status 400
   */
  UnaryOperator<TaskSpec> patch(Json.Members json) {
    var violations = new Violations();
    var body = new BodyReader(json, "", violations);
    Member<String> title = member(body, "title", reader -> reader.text("title"));
    Member<List<String>> command = member(body, "command", reader -> reader.texts("command"));
    Member<String> cwd = member(body, "cwd", reader -> reader.text("cwd"));
    Member<Map<String, String>> env = member(body, "env", reader -> reader.textMap("env"));
    Member<Integer> priority = member(body, "priority", SpecReading::priority);
    Member<Map<String, String>> labels = member(body, "labels", reader -> reader.textMap("labels"));
    Member<Duration> timeout = member(body, "timeout", reader -> reader.duration("timeout"));
    Member<RetryPolicy> retry = member(body, "retry", reader -> retry(reader.object("retry")));
    refuseDependencies(body);
    body.finish();
    if (command.given() && command.value() == null && violations.isEmpty()) {
      violations.add("/command", "has no default that null could stand for");
    }
    if (env.value() != null) {
      SecretNames.refuseMarks(env.value(), violations);
    }
    violations.refuseIfAny();
    return old -> {
      List<String> words = command.or(old.command(), old.command());
      return new TaskSpec(
          title.or(old.title(), TaskSpec.titleOf(words, DERIVED_TITLE_CHARS_MAX)),
          words,
          cwd.or(old.cwd(), defaultCwd),
          env.or(old.env(), Map.of()),
          old.initiative(),
          priority.or(old.priority(), 0),
          labels.or(old.labels(), Map.of()),
          timeout.orNull(old.timeout()),
          old.stopGrace(),
          retry.or(old.retry(), RetryPolicy.NONE),
          old.onLost(),
          old.stdin(),
          old.output());
    };
  }

  /**
   * @throws RefusedException with status 400
   */
  static InitiativeSpec initiative(Json.Members json) {
    var violations = new Violations();
    var body = new BodyReader(json, "", violations);
    if (!body.has("title")) {
      body.complain("title", "is missing");
    }
    String title = or(body.text("title"), "");
    String objective = or(body.text("objective"), "");
    Map<String, String> labels = or(body.textMap("labels"), Map.of());
    body.finish();
    violations.refuseIfAny();
    return new InitiativeSpec(title, objective, labels);
  }

  /**
   * @throws RefusedException with status 400
   */
  static UnaryOperator<InitiativeSpec> initiativePatch(Json.Members json) {
    var violations = new Violations();
    var body = new BodyReader(json, "", violations);
    Member<String> title = member(body, "title", reader -> reader.text("title"));
    Member<String> objective = member(body, "objective", reader -> reader.text("objective"));
    Member<Map<String, String>> labels = member(body, "labels", reader -> reader.textMap("labels"));
    body.finish();
    if (title.given() && title.value() == null && violations.isEmpty()) {
      violations.add("/title", "has no default that null could stand for");
    }
    violations.refuseIfAny();
    return old ->
        new InitiativeSpec(
            title.or(old.title(), old.title()),
            objective.or(old.objective(), ""),
            labels.or(old.labels(), Map.of()));
  }

  /**
   * Runs what builds a specification.
   *
   * @throws RefusedException with status 400 if it breaks a rule of the domain
   */
  static <T> T checked(Function<Json.Members, T> read, Json.Members json) {
    try {
      return read.apply(json);
    } catch (InvalidSpecException invalid) {
      throw new RefusedException(Problem.invalid(invalid.violations()));
    }
  }

  private static @Nullable Integer priority(BodyReader body) {
    return body.integer("priority", TaskLimits.PRIORITY_MIN, TaskLimits.PRIORITY_MAX);
  }

  private static @Nullable String initiative(BodyReader body) {
    String id = body.text("initiativeId");
    if (id != null && !InitiativeId.isValid(id)) {
      body.complain("initiativeId", "is not the id of an initiative");
    }
    return id;
  }

  private static RetryPolicy retry(@Nullable BodyReader body) {
    if (body == null) {
      return RetryPolicy.NONE;
    }
    Integer attempts = body.integer("maxAttempts", 1, TaskLimits.ATTEMPTS_MAX);
    Duration backoff = or(body.duration("backoff"), RetryPolicy.NONE.backoff());
    Duration maxBackoff = body.duration("maxBackoff");
    body.finish();
    Duration usual = RetryPolicy.NONE.maxBackoff();
    return new RetryPolicy(
        or(attempts, RetryPolicy.NONE.maxAttempts()),
        backoff,
        or(maxBackoff, backoff.compareTo(usual) > 0 ? backoff : usual));
  }

  /** Tasks that wait for others are not built yet; accepting the wish would be a lie. */
  private static void refuseDependencies(BodyReader body) {
    List<String> after = body.texts("after");
    if (after != null && !after.isEmpty()) {
      body.complain("after", "is not supported by this version; only an empty array is");
    }
  }

  /**
   * A member of a patch.
   *
   * @param given whether it was sent at all, if only as null
   */
  private record Member<T>(boolean given, @Nullable T value) {
    T or(T old, T byDefault) {
      if (!given) {
        return old;
      }
      return value == null ? byDefault : value;
    }

    @Nullable T orNull(@Nullable T old) {
      return given ? value : old;
    }
  }

  private static <T> Member<T> member(
      BodyReader body, String name, Function<BodyReader, @Nullable T> read) {
    boolean given = body.has(name);
    return new Member<>(given, given ? read.apply(body) : null);
  }

  private static <T> T or(@Nullable T value, T byDefault) {
    return value == null ? byDefault : value;
  }
}
