package holdfast.domain.port;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** Scrubbing for tests: finds what it is told to find. */
public final class InMemoryScrubbing implements Scrubbing {
  private final Deque<Mended> damage = new ArrayDeque<>();

  /** Lets the next piece turn out to be damaged like this. */
  public synchronized void damage(Mended mended) {
    damage.add(mended);
  }

  @Override
  public synchronized Piece next() {
    Mended found = damage.poll();
    return new Piece("memory", 0, found == null ? List.of() : List.of(found), damage.isEmpty());
  }
}
