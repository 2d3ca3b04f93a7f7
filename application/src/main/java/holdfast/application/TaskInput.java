package holdfast.application;

import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.ProcessControl.InputResult;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Rejection;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.nio.ByteBuffer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Feeds the standard input of running tasks. Any thread; never waits for the command to read. */
public final class TaskInput {
  private final Supplier<LiveState> state;
  private final ProcessControl processes;
  private final @Nullable String closed;

  /** What came of input. */
  public sealed interface InputAnswer {
    record Accepted() implements InputAnswer {}

    record NotFound() implements InputAnswer {}

    record Gone() implements InputAnswer {}

    record WrongState(Rejection rejection) implements InputAnswer {}

    /** The task reads no input, or no longer. */
    record Closed(String reason) implements InputAnswer {}

    /** The command does not read and the pipe is full; nothing was written. */
    record Full(int capacityBytes) implements InputAnswer {}
  }

  /**
   * @param closed why nobody's input is written to, or null
   */
  TaskInput(Supplier<LiveState> state, ProcessControl processes, @Nullable String closed) {
    this.state = state;
    this.processes = processes;
    this.closed = closed;
  }

  /**
   * Writes all of {@code bytes} or nothing.
   *
   * @param end whether the input ends behind them
   */
  public InputAnswer write(TaskId id, ByteBuffer bytes, boolean end) {
    if (closed != null) {
      return new InputAnswer.Closed(closed);
    }
    return switch (state.get().task(id)) {
      case Lookup.Missing<Stored<Task>> _ -> new InputAnswer.NotFound();
      case Lookup.Purged<Stored<Task>> _ -> new InputAnswer.Gone();
      case Lookup.Found<Stored<Task>>(Stored<Task> stored) -> write(stored.entity(), bytes, end);
    };
  }

  private InputAnswer write(Task task, ByteBuffer bytes, boolean end) {
    if (!task.state().name().isActive() || task.state() instanceof TaskState.Starting) {
      return new InputAnswer.WrongState(
          new Rejection.WrongState("send input to", task.state().name(), task.possible()));
    }
    if (task.spec().stdin() == StdinMode.NONE) {
      return new InputAnswer.Closed(
          "the task was submitted with \"stdin\":\"none\"; submit it with \"pipe\" to send input");
    }
    RunRef run = task.lastRun().orElseThrow();
    InputResult result =
        bytes.hasRemaining() ? processes.write(run, bytes) : new InputResult.Accepted();
    if (result instanceof InputResult.Accepted && end) {
      result = processes.endInput(run);
    }
    return switch (result) {
      case InputResult.Accepted _ -> new InputAnswer.Accepted();
      case InputResult.Full(int capacityBytes) -> new InputAnswer.Full(capacityBytes);
      case InputResult.Closed(String reason) -> new InputAnswer.Closed(reason);
    };
  }
}
