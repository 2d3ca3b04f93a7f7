package holdfast.domain.task;

/** Where a command's standard input comes from. */
public enum StdinMode {
  /** {@code /dev/null}: the command reads end of input at once. */
  NONE,
  /** A pipe fed by the API; open until it is ended there, also across restarts of the server. */
  PIPE
}
