package holdfast.domain.recovery;

import holdfast.domain.task.Outcome;
import holdfast.domain.task.ProcessIdentity;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was found out about one run whose fate is unknown. Pure facts; {@link RecoveryPolicy} draws
 * the conclusion.
 *
 * @param sameHost whether this server stands on the machine and in the pid namespace where the run
 *     was started, or after the end of that namespace; if not, nothing below about processes means
 *     anything
 * @param lock whether a monitor lives
 * @param exit the exit record
 * @param process the process that the run recorded before it executed the command; failing that
 *     record, the one that the journal knows
 * @param cookieBearers processes that carry the run's cookie in their environment
 * @param facts the same in words, for the report, in the order in which they were read
 */
public record ProcessEvidence(
    boolean sameHost,
    Lock lock,
    ExitRecord exit,
    RecordedProcess process,
    List<ProcessIdentity> cookieBearers,
    List<String> facts) {

  public ProcessEvidence {
    cookieBearers = List.copyOf(cookieBearers);
    facts = List.copyOf(facts);
  }

  /** The monitor's lock: held if and only if a monitor lives. */
  public enum Lock {
    HELD,
    FREE,
    /** The run directory is there but the file is gone, so it proves nothing. */
    MISSING,
    /**
     * There is no run directory: it appears whole, lock included, before any monitor is spawned.
     */
    NO_DIRECTORY
  }

  /** The exit record of a run directory. */
  public sealed interface ExitRecord {
    /** Blank, or absent: no end was recorded. */
    record None() implements ExitRecord {}

    /**
     * Complete and valid.
     *
     * @param execReached whether the command's first instruction was reached
     * @param endedAt when the monitor saw the end
     */
    record Valid(
        Outcome outcome,
        boolean execReached,
        @Nullable ProcessIdentity process,
        @Nullable Instant endedAt)
        implements ExitRecord {}

    /** Neither blank nor valid. The bytes have been put aside. */
    record Damaged(String what) implements ExitRecord {}
  }

  /** The process that the run recorded, compared with what lives now. */
  public sealed interface RecordedProcess {
    /**
     * Nothing was recorded, in the run directory or in the journal: the command was not reached.
     */
    record Absent() implements RecordedProcess {}

    /** It lives, and pid, start time, boot id and cookie all agree. */
    record Alive(ProcessIdentity identity) implements RecordedProcess {}

    /** No process has this pid any more. */
    record Gone(ProcessIdentity identity) implements RecordedProcess {}

    /** The pid is in use by a stranger. */
    record Stranger(ProcessIdentity identity, String difference) implements RecordedProcess {}

    /** It was recorded in an earlier boot. */
    record OtherBoot(ProcessIdentity identity) implements RecordedProcess {}

    /** It was recorded in a pid namespace, a container's say, that has ended as a whole. */
    record OtherNamespace(ProcessIdentity identity) implements RecordedProcess {}

    /** The record is there and cannot be read. The bytes have been put aside. */
    record Damaged(String what) implements RecordedProcess {}
  }
}
