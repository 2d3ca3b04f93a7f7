package holdfast.bootstrap;

import holdfast.adapters.file.OfflineAudit;
import holdfast.domain.port.AuditTrail.Broken;
import holdfast.domain.port.AuditTrail.Verdict;
import java.io.PrintStream;
import java.time.InstantSource;
import java.util.Map;

/** {@code holdfast audit verify}: reads the audit trail of a directory that no server uses. */
final class VerifyAudit {
  private VerifyAudit() {}

  /** Prints one line, of the first broken entry if there is one; returns the exit code. */
  static int run(Map<String, String> options, Map<String, String> environment, PrintStream out) {
    Configuration configuration = Server.configuration(options, environment);
    Verdict verdict =
        OfflineAudit.verify(Storage.settings(configuration, InstantSource.system(), _ -> {}));
    Broken broken = verdict.broken();
    out.println(broken == null ? sound(verdict) : "broken: " + broken);
    out.flush();
    return broken == null ? ExitCode.OK : ExitCode.FINDINGS;
  }

  private static String sound(Verdict verdict) {
    return "sound: "
        + verdict.entries()
        + " entries up to index "
        + verdict.head().index()
        + ", hash "
        + verdict.head().hash()
        + ", seq "
        + verdict.head().seq()
        + (verdict.pending() == 0
            ? ""
            : "; "
                + verdict.pending()
                + " changes have no entry yet, for the server was ended without order: the next"
                + " start appends them from the journal")
        + (verdict.unfinished() == null
            ? ""
            : "; what is behind that, in "
                + verdict.unfinished().file()
                + " from line "
                + verdict.unfinished().line()
                + " on, is not whole, as a power cut may leave what nobody vouches for yet: the"
                + " next start cuts it off and keeps it in quarantine");
  }
}
