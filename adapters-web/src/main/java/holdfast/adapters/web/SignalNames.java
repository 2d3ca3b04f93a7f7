package holdfast.adapters.web;

import java.util.List;

/** What Linux calls its signals. */
final class SignalNames {
  private static final int REALTIME_MIN = 34;

  private static final List<String> NAMES =
      List.of(
          "SIGHUP",
          "SIGINT",
          "SIGQUIT",
          "SIGILL",
          "SIGTRAP",
          "SIGABRT",
          "SIGBUS",
          "SIGFPE",
          "SIGKILL",
          "SIGUSR1",
          "SIGSEGV",
          "SIGUSR2",
          "SIGPIPE",
          "SIGALRM",
          "SIGTERM",
          "SIGSTKFLT",
          "SIGCHLD",
          "SIGCONT",
          "SIGSTOP",
          "SIGTSTP",
          "SIGTTIN",
          "SIGTTOU",
          "SIGURG",
          "SIGXCPU",
          "SIGXFSZ",
          "SIGVTALRM",
          "SIGPROF",
          "SIGWINCH",
          "SIGIO",
          "SIGPWR",
          "SIGSYS");

  private SignalNames() {}

  static String of(int signal) {
    if (signal <= NAMES.size()) {
      return NAMES.get(signal - 1);
    }
    return signal < REALTIME_MIN ? "SIG" + signal : "SIGRTMIN+" + (signal - REALTIME_MIN);
  }
}
