package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.Outcome;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Records of the monitor, whole and damaged, and the limit on open files. */
class RecordsTest {
  private static final Host HOST = new Host(new HostIdentity("machine", "boot-1", "pid:[1]"));
  private static final String HALF =
      "exited 7 certain\nexec reached\npid 12\nstart 34\nboot boot-1\nuptime 1.5\n";
  private static final String LIMITS =
      """
      Limit                     Soft Limit           Hard Limit           Units
      Max processes             100                  100                  processes
      Max open files            %s                 %s              files
      """;

  private static ExitRecord parse(byte[] content) {
    return ExitFile.parse(content, () -> new StartFailure("tool", "/"), HOST, Instant.EPOCH);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] record() {
    return Arrays.copyOf(bytes(HALF + HALF + "end\n"), 400);
  }

  @Test
  void aWholeExitRecordIsValid() {
    var exit = assertInstanceOf(ExitRecord.Valid.class, parse(record()));
    assertEquals(new Outcome.Exited(7), exit.outcome());
  }

  @Test
  void noSingleDamagedByteOfAnExitRecordGoesUnseen() {
    byte[] whole = record();
    for (int at = 0; at < 2 * HALF.length() + 4; at++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] damaged = whole.clone();
        damaged[at] ^= (byte) (1 << bit);
        assertInstanceOf(ExitRecord.Damaged.class, parse(damaged), "byte " + at + ", bit " + bit);
      }
    }
  }

  @Test
  void anExitRecordThatWasCutShortIsNotValid() {
    byte[] whole = record();
    for (int length = 1; length < 2 * HALF.length() + 4; length++) {
      assertFalse(parse(Arrays.copyOf(whole, length)) instanceof ExitRecord.Valid);
    }
    assertInstanceOf(ExitRecord.None.class, parse(bytes("\n\n\n")));
    assertInstanceOf(ExitRecord.None.class, parse(new byte[100]));
  }

  @Test
  void aProcessRecordWithoutItsEndIsNotValid() {
    String record = "pid 12\nstart 34\nboot b\nmonitor 11\nend\n";
    assertInstanceOf(ProcessRecord.Complete.class, ProcessRecord.parse(bytes(record + "\n\n")));
    for (int length = 1; length < record.length() - 1; length++) {
      assertInstanceOf(
          ProcessRecord.Damaged.class, ProcessRecord.parse(bytes(record.substring(0, length))));
    }
    assertInstanceOf(ProcessRecord.Blank.class, ProcessRecord.parse(bytes("\n\n")));
  }

  @Test
  void everyErrorHasWordsOfItsOwn() {
    var failure = new StartFailure("tool", "/place");
    assertNotEquals(failure.sentence("exec", "ENOENT"), failure.sentence("exec", "EACCES"));
    assertEquals(
        "the arguments and the environment of tool are too long",
        failure.sentence("exec", "E2BIG"));
    assertEquals("working directory /place: permission denied", failure.sentence("cwd", "EACCES"));
  }

  @Test
  void theParentsLimitOnFilesIsTakenOnlyIfTheJvmRaisedIt() {
    String own = LIMITS.formatted("5000", "5000");
    assertEquals("1024", FileLimit.original(own, LIMITS.formatted("1024", "5000")));
    assertEquals("-", FileLimit.original(own, LIMITS.formatted("5000", "5000")));
    assertEquals("-", FileLimit.original(own, LIMITS.formatted("1024", "9000")));
    assertEquals("-", FileLimit.original(own, LIMITS.formatted("unlimited", "5000")));
    assertEquals("-", FileLimit.original(own, ""));
  }
}
