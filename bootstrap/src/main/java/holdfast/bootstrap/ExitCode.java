package holdfast.bootstrap;

/** What the server's exit code says. */
final class ExitCode {
  static final int OK = 0;

  /** Something is not as it should be; it was printed. */
  static final int FINDINGS = 1;

  /** The command line is wrong. */
  static final int USAGE = 2;

  /** What was named is not there. */
  static final int NOT_FOUND = 3;

  /** It cannot be done as things stand. */
  static final int CONFLICT = 5;

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
