package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.Scrubbing.Mended;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What was found damaged since the start, and whether it is whole again. Any thread. */
final class Mendings {
  private static final int KEPT = 100;

  private final Core core;
  private final Deque<Mended> last = new ArrayDeque<>();
  private long mended;
  private long unmendable;
  private @Nullable Trouble loss;
  private @Nullable Trouble lossOfLook;

  Mendings(Core core) {
    this.core = core;
  }

  /** Counts something that was damaged, and that others have made known. */
  synchronized void count(Mended one) {
    last.addLast(one);
    if (last.size() > KEPT) {
      last.removeFirst();
    }
    if (one.source() != null) {
      mended++;
    } else {
      unmendable++;
      loss =
          new Trouble(
              one.place()
                  + " "
                  + one.damage()
                  + ", and there is nothing that it could be rebuilt from",
              "Put it back from a backup of the same directory; the rest can be used meanwhile");
      lossOfLook = loss;
    }
  }

  /** Makes known that something was damaged. */
  void note(Mended one) {
    boolean isWhole = one.source() != null;
    count(one);
    core.log(
        Category.ERROR,
        isWhole ? "mended" : "unmendable",
        Map.of(
            "place", one.place(),
            "damage", one.damage(),
            "source", String.valueOf(one.source()),
            "quarantined", String.valueOf(one.quarantined())));
  }

  /** The last ones, oldest first. */
  synchronized List<Mended> last() {
    return List.copyOf(last);
  }

  /** Things that were damaged and are whole again. */
  synchronized long mended() {
    return mended;
  }

  /** Things that were damaged in every copy. */
  synchronized long unmendable() {
    return unmendable;
  }

  /** What was lost last, and what to do, or null. */
  synchronized @Nullable Trouble loss() {
    return loss;
  }

  /** A look at everything begins. */
  synchronized void lookBegins() {
    lossOfLook = null;
  }

  /** A look at everything has ended: what is still lost was found again. */
  synchronized void lookEnds() {
    loss = lossOfLook;
  }
}
