package holdfast.bootstrap;

import holdfast.adapters.file.OfflineRestoration;
import holdfast.adapters.file.OfflineRestoration.Request;
import holdfast.adapters.file.OfflineRestoration.Result;
import holdfast.domain.restoration.RestorationDiff;
import holdfast.domain.restoration.RestorationDiff.Line;
import java.io.PrintStream;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code holdfast restore}: returns a data directory that no server uses to a snapshot. */
final class Restore {
  private Restore() {}

  /**
   * Prints one line for each entity that is touched, and a last one that sums up; refusals go to
   * {@code err}. Never asks. Returns the exit code.
   */
  static int run(
      Request request,
      Map<String, String> options,
      Map<String, String> environment,
      PrintStream out,
      PrintStream err) {
    Configuration configuration = Server.configuration(options, environment);
    Result result =
        OfflineRestoration.run(
            Storage.settings(configuration, InstantSource.system(), _ -> {}), request);
    int exit =
        switch (result) {
          case Result.Planned(var diff) -> {
            print(diff, out);
            out.println("dry run, nothing was changed: " + counts(diff));
            yield ExitCode.OK;
          }
          case Result.Restored restored -> {
            print(restored.diff(), out);
            restored.notes().forEach(out::println);
            out.println("restored " + request.snapshot() + ": " + counts(restored.diff()));
            out.println(
                "epoch "
                    + restored.epoch()
                    + " begins at seq "
                    + restored.seq()
                    + "; to undo it: restore "
                    + restored.before());
            yield ExitCode.OK;
          }
          case Result.Refused(List<Line> running) -> {
            print("running", running, err);
            err.println(
                "holdfast: nothing was restored: "
                    + running.size()
                    + (running.size() == 1 ? " task is" : " tasks are")
                    + " active that it would forget or change. Start the server and let them end,"
                    + " or keep them as they are with --running adopt");
            yield ExitCode.CONFLICT;
          }
          case Result.NoSuchSnapshot(List<String> known) -> {
            err.println(
                "holdfast: there is no snapshot "
                    + printable(request.snapshot())
                    + (known.isEmpty() ? ", nor any other" : "; there are:"));
            known.forEach(id -> err.println("  " + id));
            yield ExitCode.NOT_FOUND;
          }
        };
    out.flush();
    return exit;
  }

  private static void print(RestorationDiff diff, PrintStream out) {
    print("created", diff.created(), out);
    print("changed", diff.changed(), out);
    print("removed", diff.removed(), out);
    print("running", diff.running(), out);
  }

  private static void print(String what, List<Line> lines, PrintStream to) {
    for (Line line : lines) {
      String kind = line.key().kind().name().toLowerCase(Locale.ROOT);
      to.println(
          what
              + " "
              + kind
              + " "
              + line.key().id()
              + " \""
              + printable(line.title())
              + "\": "
              + line.detail());
    }
  }

  /** Titles are anybody's text: none of it may steer a terminal. */
  static String printable(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  private static String counts(RestorationDiff diff) {
    return diff.created().size()
        + " created, "
        + diff.changed().size()
        + " changed, "
        + diff.removed().size()
        + " removed, "
        + diff.running().size()
        + " running and kept, "
        + diff.unchanged()
        + " unchanged";
  }
}
