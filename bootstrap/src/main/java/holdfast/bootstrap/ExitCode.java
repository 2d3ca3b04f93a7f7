package holdfast.bootstrap;

/** What the server's exit code says. */
final class ExitCode {
  static final int OK = 0;

  /** The command line is wrong. */
  static final int USAGE = 2;

  /** The configuration is wrong, or the address cannot be listened on. */
  static final int BAD_CONFIGURATION = 64;

  /** The journal failed; a restart recovers. */
  static final int JOURNAL_FAILED = 70;

  /** The data directory is locked, refused, or needs a decision. */
  static final int DIRECTORY_REFUSED = 73;

  /** Part of the acknowledged history is missing. */
  static final int HISTORY_MISSING = 75;

  private ExitCode() {}
}
