package holdfast.adapters.process;

import holdfast.domain.task.RunRef;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** Keeps damaged records, each with a note that says what it is and where it was. */
final class Quarantine {
  private Quarantine() {}

  /** Copies a file of a run directory, unless the same run's file was kept before. */
  static void keep(
      String quarantine, Directory from, String file, RunRef run, String what, Instant now) {
    String name = run.toString().replace('/', '-') + "-" + file;
    Directory.make(quarantine);
    byte[] content = from.read(file, RunDirectory.RECORD_BYTES_MAX);
    try (Directory target = Directory.open(quarantine)) {
      if (content != null && !target.has(name)) {
        target.create(name, content);
        String note =
            "what: "
                + what
                + "\nwhere: "
                + from.path()
                + "/"
                + file
                + "\nwhen: "
                + now
                + "\nrebuilt: no; the verdict rests on the other evidence\n";
        target.create(name + ".note", note.getBytes(StandardCharsets.UTF_8));
        target.force();
      }
    }
  }
}
