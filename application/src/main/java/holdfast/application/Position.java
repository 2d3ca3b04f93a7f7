package holdfast.application;

import java.time.Instant;
import java.util.Comparator;

/**
 * A place in a list: entities are ordered by creation, and by id where that is equal. Stable under
 * concurrent writes, since neither ever changes.
 */
public record Position(Instant createdAt, String id) implements Comparable<Position> {
  private static final Comparator<Position> ORDER =
      Comparator.comparing(Position::createdAt).thenComparing(Position::id);

  @Override
  public int compareTo(Position other) {
    return ORDER.compare(this, other);
  }
}
