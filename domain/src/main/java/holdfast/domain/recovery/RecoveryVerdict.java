package holdfast.domain.recovery;

import holdfast.domain.task.Outcome;
import holdfast.domain.task.ProcessIdentity;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What became of a run while no server watched it. */
public sealed interface RecoveryVerdict {

  /** The verdict's name in reports and metrics. */
  default String name() {
    return switch (this) {
      case Adopted _ -> "ADOPTED";
      case ExitedWhileDown _ -> "EXITED_WHILE_DOWN";
      case StartFailed _ -> "START_FAILED";
      case NeverStarted _ -> "NEVER_STARTED";
      case Lost _ -> "LOST";
      case Undecidable _ -> "UNDECIDABLE";
    };
  }

  /** One sentence: on what grounds. */
  String reason();

  /**
   * It goes on.
   *
   * @param monitored false if nobody will record how it ends
   */
  record Adopted(boolean monitored, @Nullable ProcessIdentity process, String reason)
      implements RecoveryVerdict {}

  /** It ended by itself, and its monitor recorded how. */
  record ExitedWhileDown(
      Outcome outcome, @Nullable ProcessIdentity process, @Nullable Instant endedAt, String reason)
      implements RecoveryVerdict {}

  /** Its command could not be executed. */
  record StartFailed(Outcome outcome, @Nullable Instant endedAt, String reason)
      implements RecoveryVerdict {}

  /** Its command was proven never reached: starting it is not a repetition. */
  record NeverStarted(String reason) implements RecoveryVerdict {}

  /** It ran, it is gone, and nothing tells how it ended. */
  record Lost(String reason) implements RecoveryVerdict {}

  /** The evidence is elsewhere: another machine or pid namespace. A person must decide. */
  record Undecidable(String reason) implements RecoveryVerdict {}
}
