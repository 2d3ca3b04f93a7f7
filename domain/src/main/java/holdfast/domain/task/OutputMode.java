package holdfast.domain.task;

import java.util.List;

/** Whether standard output and standard error share one file, in true order, or have one each. */
public enum OutputMode {
  MERGED,
  SPLIT;

  /** The streams an attempt of this mode writes, in the order in which they are shown. */
  public List<OutputStreamName> streams() {
    return switch (this) {
      case MERGED -> List.of(OutputStreamName.MERGED);
      case SPLIT -> List.of(OutputStreamName.STDOUT, OutputStreamName.STDERR);
    };
  }
}
