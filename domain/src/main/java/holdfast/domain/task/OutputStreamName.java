package holdfast.domain.task;

/** The streams of an attempt's output that can be read apart. */
public enum OutputStreamName {
  MERGED,
  STDOUT,
  STDERR
}
