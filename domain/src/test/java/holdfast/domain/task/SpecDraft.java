package holdfast.domain.task;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A specification in the making, for tests: {@code true} with nothing out of the ordinary. */
public final class SpecDraft {
  private String title = "a task";
  private List<String> command = List.of("true");
  private String cwd = "/tmp";
  private Map<String, String> env = Map.of();
  private @Nullable String initiative;
  private int priority;
  private Map<String, String> labels = Map.of();
  private @Nullable Duration timeout;
  private Duration stopGrace = Duration.ofSeconds(10);
  private RetryPolicy retry = RetryPolicy.NONE;
  private OnLost onLost = OnLost.FAIL;
  private StdinMode stdin = StdinMode.NONE;
  private OutputMode output = OutputMode.MERGED;

  public static SpecDraft of(String... command) {
    return new SpecDraft().command(List.of(command));
  }

  public SpecDraft title(String value) {
    title = value;
    return this;
  }

  public SpecDraft command(List<String> value) {
    command = value;
    return this;
  }

  public SpecDraft cwd(String value) {
    cwd = value;
    return this;
  }

  public SpecDraft env(Map<String, String> value) {
    env = value;
    return this;
  }

  public SpecDraft initiative(@Nullable String value) {
    initiative = value;
    return this;
  }

  public SpecDraft priority(int value) {
    priority = value;
    return this;
  }

  public SpecDraft labels(Map<String, String> value) {
    labels = value;
    return this;
  }

  public SpecDraft timeout(@Nullable Duration value) {
    timeout = value;
    return this;
  }

  public SpecDraft stopGrace(Duration value) {
    stopGrace = value;
    return this;
  }

  public SpecDraft retry(int maxAttempts, Duration backoff, Duration maxBackoff) {
    retry = new RetryPolicy(maxAttempts, backoff, maxBackoff);
    return this;
  }

  public SpecDraft onLost(OnLost value) {
    onLost = value;
    return this;
  }

  public SpecDraft stdin(StdinMode value) {
    stdin = value;
    return this;
  }

  public SpecDraft output(OutputMode value) {
    output = value;
    return this;
  }

  /** The specification as it now stands; refused as {@link TaskSpec} refuses it. */
  public TaskSpec spec() {
    return new TaskSpec(
        title,
        command,
        cwd,
        env,
        initiative,
        priority,
        labels,
        timeout,
        stopGrace,
        retry,
        onLost,
        stdin,
        output);
  }
}
