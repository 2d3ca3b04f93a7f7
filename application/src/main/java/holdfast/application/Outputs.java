package holdfast.application;

import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Opens what tasks wrote, finished or not, for reading and following. Any thread. */
public final class Outputs {
  private final Supplier<LiveState> state;
  private final OutputStorage storage;

  /** What came of opening a stream. */
  public sealed interface Opening {
    /** The caller closes it. */
    record Opened(Following following) implements Opening {}

    record NoSuchTask() implements Opening {}

    record Purged() implements Opening {}

    record NoSuchAttempt(String detail) implements Opening {}

    record NoSuchStream(String detail) implements Opening {}
  }

  public Outputs(Supplier<LiveState> state, OutputStorage storage) {
    this.state = state;
    this.storage = storage;
  }

  /**
   * Opens one stream of one attempt.
   *
   * @param attempt its number, or null for the last one, or the first one where none has begun
   * @param stream or null for the first that the task's output mode has
   */
  public Opening open(TaskId id, @Nullable Integer attempt, @Nullable OutputStreamName stream) {
    return switch (state.get().task(id)) {
      case Lookup.Missing<Stored<Task>> _ -> new Opening.NoSuchTask();
      case Lookup.Purged<Stored<Task>> _ -> new Opening.Purged();
      case Lookup.Found<Stored<Task>>(Stored<Task> stored) ->
          open(stored.entity(), attempt, stream);
    };
  }

  private Opening open(Task task, @Nullable Integer attempt, @Nullable OutputStreamName stream) {
    int begun = task.attempts().size();
    if (attempt != null && (attempt < 1 || attempt > Math.max(begun, 1))) {
      return new Opening.NoSuchAttempt(
          "task " + task.id() + " has " + begun + " attempts; there is no attempt " + attempt);
    }
    List<OutputStreamName> streams = task.spec().output().streams();
    OutputStreamName wanted = stream == null ? streams.getFirst() : stream;
    if (!streams.contains(wanted)) {
      return new Opening.NoSuchStream(
          "task " + task.id() + " has no stream " + wanted + "; it has " + streams);
    }
    int number = attempt == null ? Math.max(begun, 1) : attempt;
    return new Opening.Opened(new Following(state, storage, task.id(), number, wanted));
  }

  /** The sizes that a run's streams have at this moment. */
  public Map<OutputStreamName, Long> lengths(RunRef run, OutputMode mode) {
    var lengths = new EnumMap<OutputStreamName, Long>(OutputStreamName.class);
    for (OutputStreamName stream : mode.streams()) {
      try (OutputStorage.Reader reader =
          storage.open(new OutputStorage.Output(run, stream), null)) {
        lengths.put(stream, reader.length());
      }
    }
    return lengths;
  }
}
