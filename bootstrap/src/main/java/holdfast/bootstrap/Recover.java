package holdfast.bootstrap;

import holdfast.adapters.file.OfflineRehearsal;
import holdfast.adapters.process.OnlookingProcessControl;
import holdfast.adapters.web.RecoveryJson;
import holdfast.application.Holdfast;
import holdfast.application.Holdfast.Rehearsal;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code holdfast recover --dry-run}: what a start would do with a directory no server uses. */
final class Recover {
  private Recover() {}

  /** Prints what a start would find and do; returns the exit code. */
  static int run(
      Map<String, String> options,
      Map<String, String> environment,
      boolean isJson,
      PrintStream out) {
    Configuration configuration = Server.configuration(options, environment);
    InstantSource clock = InstantSource.system();
    try (var offline = OfflineRehearsal.open(Storage.settings(configuration, clock, _ -> {}))) {
      Rehearsal rehearsal = rehearse(configuration, offline, clock);
      if (isJson) {
        out.println(
            new String(
                RecoveryJson.rehearsal(rehearsal, offline.heldBack()), StandardCharsets.UTF_8));
      } else {
        print(rehearsal, offline.heldBack(), out);
      }
      out.flush();
      return ExitCode.OK;
    }
  }

  private static Rehearsal rehearse(
      Configuration configuration, OfflineRehearsal offline, InstantSource clock) {
    Path machineId = configuration.get(Settings.DATA_DIR).resolve("machine-id");
    try (var processes =
        new OnlookingProcessControl(offline.storage()::runDirectory, machineId, clock)) {
      return Holdfast.rehearse(
          Storage.ports(offline.storage(), processes), clock, new SecureRandom());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new StorageException("interrupted", interrupted);
    }
  }

  private static void print(Rehearsal rehearsal, @Nullable String heldBack, PrintStream out) {
    RecoveryReport report = rehearsal.report();
    out.println(
        "cause "
            + RecoveryJson.cause(report)
            + (report.degraded() ? ", degraded" : "")
            + ", "
            + report.replayed()
            + " records replayed"
            + (report.tornTail() ? ", an unfinished write cut from the journal's end" : ""));
    report.healed().forEach(what -> out.println("healed " + Restore.printable(what)));
    report.quarantined().forEach(what -> out.println("quarantined " + Restore.printable(what)));
    report.tasks().forEach(verdict -> print(verdict, out));
    if (rehearsal.readOnly() != null) {
      out.println("read only: " + rehearsal.readOnly());
    }
    if (heldBack != null) {
      out.println("not tried: " + heldBack);
    }
    String states =
        rehearsal.states().entrySet().stream()
            .filter(entry -> entry.getValue() > 0)
            .sorted(Map.Entry.comparingByKey(Comparator.naturalOrder()))
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", "));
    out.println(
        "dry run, nothing was changed: "
            + report.tasks().size()
            + (report.tasks().size() == 1 ? " verdict" : " verdicts")
            + "; right after: "
            + (states.isEmpty() ? "no tasks" : states));
  }

  private static void print(TaskVerdict verdict, PrintStream out) {
    out.println(
        "task "
            + verdict.id()
            + " attempt "
            + verdict.attempt()
            + ": "
            + verdict.verdict()
            + ", "
            + Restore.printable(verdict.reason()));
    verdict.evidence().forEach(fact -> out.println("  " + Restore.printable(fact)));
    out.println("  -> " + Restore.printable(verdict.decision()));
  }
}
