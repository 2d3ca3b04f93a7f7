package holdfast.application;

import holdfast.domain.port.Conflict;

/** What whoever follows sync is told of. */
public sealed interface SyncNote {
  /** How far the state files are: {@link SyncService#status} says it. */
  record Progress() implements SyncNote {}

  /** An edit of a state file, and what became of it. */
  record Edit(Conflict conflict) implements SyncNote {}
}
