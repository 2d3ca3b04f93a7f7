package holdfast.domain.task;

/** Why an active task is being stopped; decides the state it ends in. */
public enum StopCause {
  /** A user asked: the task ends CANCELED. */
  USER,
  /** The attempt exceeded its timeout: the task ends TIMED_OUT, or is retried. */
  TIMEOUT,
  /** The attempt exceeded its output quota: the task ends FAILED. */
  OUTPUT_QUOTA
}
