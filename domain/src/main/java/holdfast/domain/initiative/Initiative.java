package holdfast.domain.initiative;

import java.time.Instant;

/**
 * A named objective that groups tasks. Immutable. Its state is not stored: {@link InitiativeState}
 * derives it from the tasks.
 *
 * @param revision counts the changes of this initiative itself, from 1
 */
public record Initiative(
    InitiativeId id, InitiativeSpec spec, long revision, Instant createdAt, Instant updatedAt) {

  public static Initiative created(InitiativeId id, InitiativeSpec spec, Instant now) {
    return new Initiative(id, spec, 1, now, now);
  }

  public Initiative patched(InitiativeSpec wanted, Instant now) {
    return new Initiative(id, wanted, revision + 1, createdAt, now);
  }
}
