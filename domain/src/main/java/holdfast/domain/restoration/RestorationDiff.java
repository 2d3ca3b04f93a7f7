package holdfast.domain.restoration;

import holdfast.domain.port.EntityKey;
import java.util.List;

/**
 * What a restore does to whom.
 *
 * @param created entities that come back
 * @param changed those that become what they were
 * @param removed those that the snapshot does not know
 * @param running tasks that are active and stay as they are, though the snapshot says otherwise
 * @param unchanged how many are today what they were then
 */
public record RestorationDiff(
    List<Line> created, List<Line> changed, List<Line> removed, List<Line> running, int unchanged) {

  public RestorationDiff {
    created = List.copyOf(created);
    changed = List.copyOf(changed);
    removed = List.copyOf(removed);
    running = List.copyOf(running);
  }

  /**
   * One entity.
   *
   * @param detail what becomes of it, in words
   */
  public record Line(EntityKey key, String title, String detail) {}
}
