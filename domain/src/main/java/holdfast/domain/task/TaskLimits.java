package holdfast.domain.task;

import java.time.Duration;

/** The bounds of what a task may carry. Sizes are in UTF-8 bytes, lengths in characters. */
public final class TaskLimits {
  public static final int TITLE_CHARS_MAX = 4_096;
  public static final int ARGV_BYTES_MAX = 128 * 1024;
  public static final int ARGV_ELEMENTS_MAX = 1_000;
  public static final int ENV_BYTES_MAX = 256 * 1024;
  public static final int CWD_BYTES_MAX = 4_095;
  public static final int LABELS_MAX = 64;
  public static final int LABEL_CHARS_MAX = 256;
  public static final int PRIORITY_MIN = -1_000_000;
  public static final int PRIORITY_MAX = 1_000_000;
  public static final int ATTEMPTS_MAX = 1_000;
  public static final int RERUNS_MAX = 10;
  public static final Duration DURATION_MAX = Duration.ofDays(365);

  private TaskLimits() {}
}
