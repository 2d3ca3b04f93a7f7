package holdfast.domain.port;

import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskSpec;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A process of a {@link SimulatedWorld}: a command, or a descendant of one. A program or a test
 * makes it write, exit, fork, react to signals and read its input. Any thread.
 */
public final class SimulatedProcess {
  private final SimulatedWorld world;
  private final RunRef run;
  private final TaskSpec spec;
  private final ProcessIdentity identity;
  private final List<Signal> signals = new ArrayList<>();
  private final ByteArrayOutputStream unread = new ByteArrayOutputStream();
  private @Nullable Outcome outcome;
  private @Nullable Consumer<Signal> signalHandler;
  private @Nullable Consumer<byte[]> reader;
  private @Nullable Runnable endOfInputHandler;
  private boolean inputEnded;

  SimulatedProcess(SimulatedWorld world, RunRef run, TaskSpec spec, ProcessIdentity identity) {
    this.world = world;
    this.run = run;
    this.spec = spec;
    this.identity = identity;
  }

  public RunRef run() {
    return run;
  }

  public TaskSpec spec() {
    return spec;
  }

  public ProcessIdentity identity() {
    return identity;
  }

  public boolean isAlive() {
    synchronized (world) {
      return outcome == null;
    }
  }

  /** The signals received so far, oldest first. */
  public List<Signal> signals() {
    synchronized (world) {
      return List.copyOf(signals);
    }
  }

  /** Appends to an output of the run. */
  public void write(OutputStreamName stream, byte[] bytes) {
    synchronized (world) {
      requireAlive();
      world.written(this, stream, bytes);
    }
  }

  /** Ends the process by itself. */
  public void exit(int code) {
    end(new Outcome.Exited(code));
  }

  /** Ends the process; if it is the command, its monitor, if it lives, records this outcome. */
  public void end(Outcome how) {
    synchronized (world) {
      if (outcome == null) {
        outcome = how;
        world.processEnded(this, how);
      }
    }
  }

  /** A descendant, which bears the cookie and may outlive the command. */
  public SimulatedProcess fork() {
    synchronized (world) {
      requireAlive();
      return world.forked(this);
    }
  }

  /** Handles TERM instead of dying from it; KILL cannot be handled. */
  public void onTerm(Consumer<Signal> handler) {
    synchronized (world) {
      signalHandler = handler;
    }
  }

  /** Reads input as it comes, and what has come before. Without a reader input piles up. */
  public void onInput(Consumer<byte[]> bytes, Runnable endOfInput) {
    synchronized (world) {
      reader = bytes;
      endOfInputHandler = endOfInput;
      drainInput();
    }
  }

  void receive(Signal signal) {
    signals.add(signal);
    if (signal == Signal.TERM && signalHandler != null) {
      signalHandler.accept(signal);
    } else {
      end(new Outcome.Signaled(signal == Signal.KILL ? 9 : 15));
    }
  }

  /** Whether the bytes fit into the pipe; takes all of them or none. */
  boolean offerInput(byte[] bytes, int capacity) {
    if (unread.size() + bytes.length > capacity) {
      return false;
    }
    unread.writeBytes(bytes);
    drainInput();
    return true;
  }

  void endInput() {
    inputEnded = true;
    drainInput();
  }

  boolean isInputEnded() {
    return inputEnded;
  }

  private void drainInput() {
    if (reader == null || endOfInputHandler == null || outcome != null) {
      return;
    }
    if (unread.size() > 0) {
      byte[] bytes = unread.toByteArray();
      unread.reset();
      reader.accept(bytes);
    }
    if (inputEnded && outcome == null) {
      endOfInputHandler.run();
    }
  }

  private void requireAlive() {
    if (outcome != null) {
      throw new IllegalStateException("process " + identity.pid() + " of " + run + " has ended");
    }
  }
}
