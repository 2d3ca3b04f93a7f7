package holdfast.domain.initiative;

import java.time.Instant;

/** What happened to an initiative itself, as opposed to its tasks. */
public sealed interface InitiativeEvent {
  Instant at();

  /** The kebab-case name by which journal, API and logs call it. */
  default String type() {
    return switch (this) {
      case Created _ -> "created";
      case Patched _ -> "patched";
      case Deleted _ -> "deleted";
    };
  }

  record Created(Instant at) implements InitiativeEvent {}

  record Patched(Instant at) implements InitiativeEvent {}

  record Deleted(Instant at) implements InitiativeEvent {}
}
