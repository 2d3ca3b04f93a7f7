package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Owner;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who only looks reads what a start reads, and leaves all of it. */
class OnlookingIT {
  private static final RunRef RUN = new RunRef(new TaskId("0".repeat(20)), 1, 1);

  @TempDir Path data;

  private Path run() {
    return data.resolve("run");
  }

  private OnlookingProcessControl control() {
    return new OnlookingProcessControl(
        _ -> run(), data.resolve("machine-id"), InstantSource.system());
  }

  private static Attempt attempt(OnlookingProcessControl control) {
    return new Attempt(
        1,
        1,
        "cookie-that-nobody-bears",
        new Owner("instance", 1),
        control.host(),
        Instant.EPOCH,
        null,
        0,
        null,
        null,
        Map.of(),
        Map.of());
  }

  private Map<String, String> everything() throws IOException {
    var all = new TreeMap<String, String>();
    try (Stream<Path> walk = Files.walk(data)) {
      for (Path path : walk.toList()) {
        String bytes = Files.isRegularFile(path) ? Files.readString(path) : "";
        all.put(path.toString(), Files.getAttribute(path, "unix:ctime") + bytes);
      }
    }
    return all;
  }

  @Test
  void aStartThatWasNotReachedIsJudgedAndItsPermitIsLeft() throws IOException {
    Files.createDirectories(run());
    Files.writeString(run().resolve("monitor.lock"), "");
    Files.writeString(run().resolve("process"), "\n".repeat(256));
    Files.writeString(run().resolve("exit"), "\n".repeat(1_100));
    Files.writeString(run().resolve("env"), "PATH=/bin\0");
    Map<String, String> before = everything();
    try (var control = control()) {
      ProcessEvidence evidence = control.examine(RUN, attempt(control));
      assertInstanceOf(RecoveryVerdict.NeverStarted.class, RecoveryPolicy.judge(evidence));
      assertTrue(evidence.facts().toString().contains("permit: still there"), evidence::toString);
      control.abandon(RUN);
    }
    assertEquals(before, everything());
  }

  @Test
  void damagedRecordsAreNotPutAside() throws IOException {
    Files.createDirectories(run());
    Files.writeString(run().resolve("monitor.lock"), "");
    Files.writeString(run().resolve("process"), "pid x");
    Files.writeString(run().resolve("exit"), "exited ?");
    Map<String, String> before = everything();
    try (var control = control()) {
      ProcessEvidence evidence = control.examine(RUN, attempt(control));
      assertInstanceOf(ExitRecord.Damaged.class, evidence.exit());
      assertInstanceOf(RecoveryVerdict.Lost.class, RecoveryPolicy.judge(evidence));
    }
    assertEquals(before, everything());
  }
}
