package holdfast.application;

import holdfast.domain.task.Attempt;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps every output twice: copied while its command writes, sealed when the attempt is over. Any
 * thread.
 */
public final class OutputKeeper {
  private final Core core;
  private final Mendings mendings;
  private final OutputCopies copies;
  private final OutputSeals seals;

  /**
   * How far the copies are.
   *
   * @param live outputs that may still grow
   * @param unsealed runs that have ended and are to be sealed
   * @param lag bytes by which the copies were behind, all together, before they were last brought
   *     up to date
   */
  public record Status(int live, int unsealed, long lag) {}

  OutputKeeper(Core core, Mendings mendings) {
    this.core = core;
    this.mendings = mendings;
    copies = new OutputCopies(core);
    seals = new OutputSeals(core, mendings);
  }

  OutputSeals seals() {
    return seals;
  }

  /** Takes note of a committed change. Neither blocks nor throws. */
  void observe(Task after) {
    List<Attempt> attempts = after.attempts();
    for (Attempt attempt : attempts) {
      var run = new RunRef(after.id(), attempt.number(), attempt.run());
      if (attempt.outcome() == null) {
        copies.follow(run, after);
      } else {
        seals.ended(run, attempt, after);
      }
    }
  }

  /** Begins, with what recovery has found. */
  void start() {
    core.ports().outputs().listener(mendings::note);
    core.state()
        .select(task -> task.state().name().isActive())
        .forEach(
            task -> task.entity().lastRun().ifPresent(run -> copies.follow(run, task.entity())));
    copies.start();
    seals.start();
  }

  public Status status() {
    return new Status(copies.count(), seals.count(), copies.lag());
  }

  /** Why copies are not kept or sealed, and what to do, or null. */
  @Nullable Trouble trouble() {
    return copies.trouble() == null ? seals.trouble() : copies.trouble();
  }

  /** Copies what has been written until now. Commands write on; the next start goes on. */
  void atShutdown() {
    seals.close();
    copies.atShutdown();
  }

  void close() {
    copies.close();
    seals.close();
  }
}
