package holdfast.domain.task;

/** What becomes of a task whose process vanished without evidence of how it ended. */
public enum OnLost {
  /** The task ends in state LOST. The default: a command is never run twice unasked. */
  FAIL,
  /** A new attempt is queued, at most {@link TaskLimits#RERUNS_MAX} times. */
  RERUN
}
