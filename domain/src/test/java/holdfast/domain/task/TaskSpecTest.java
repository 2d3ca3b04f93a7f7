package holdfast.domain.task;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.InvalidSpecException.Violation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TaskSpecTest {
  private static final String HALF = "\ud83d";

  private static List<String> broken(SpecDraft draft) {
    return assertThrows(InvalidSpecException.class, draft::spec).violations().stream()
        .map(Violation::pointer)
        .toList();
  }

  private static void bounded(String pointer, SpecDraft at, SpecDraft over) {
    assertAll(() -> at.spec(), () -> assertEquals(List.of(pointer), broken(over)));
  }

  private static SpecDraft draft() {
    return SpecDraft.of("true");
  }

  @Test
  void titleIsBounded() {
    bounded(
        "/title",
        draft().title("t".repeat(TaskLimits.TITLE_CHARS_MAX)),
        draft().title("t".repeat(TaskLimits.TITLE_CHARS_MAX + 1)));
  }

  @Test
  void commandNamesAProgram() {
    assertEquals(List.of("/command"), broken(draft().command(List.of())));
    assertEquals(List.of("/command"), broken(draft().command(List.of("", "x"))));
    draft().command(List.of("x", "", "")).spec();
  }

  @Test
  void argumentsAreBoundedInNumberAndInBytes() {
    bounded(
        "/command",
        draft().command(Collections.nCopies(TaskLimits.ARGV_ELEMENTS_MAX, "x")),
        draft().command(Collections.nCopies(TaskLimits.ARGV_ELEMENTS_MAX + 1, "x")));
    // Each string ends in a NUL of its own when it is handed to the kernel.
    bounded(
        "/command",
        draft().command(List.of("x".repeat(TaskLimits.ARGV_BYTES_MAX - 1))),
        draft().command(List.of("x".repeat(TaskLimits.ARGV_BYTES_MAX))));
    bounded(
        "/command",
        draft().command(List.of("xxx" + "\u00e4".repeat(TaskLimits.ARGV_BYTES_MAX / 2 - 2))),
        draft().command(List.of("xxx" + "\u00e4".repeat(TaskLimits.ARGV_BYTES_MAX / 2 - 1))));
  }

  @Test
  void workingDirectoryIsAbsoluteAndBounded() {
    bounded(
        "/cwd",
        draft().cwd("/" + "d".repeat(TaskLimits.CWD_BYTES_MAX - 1)),
        draft().cwd("/" + "d".repeat(TaskLimits.CWD_BYTES_MAX)));
    for (String relative : List.of("", ".", "tmp", "~/x", "C:\\x")) {
      assertEquals(List.of("/cwd"), broken(draft().cwd(relative)), relative);
    }
  }

  @Test
  void environmentIsBoundedAndOursIsReserved() {
    bounded(
        "/env",
        draft().env(Map.of("K", "v".repeat(TaskLimits.ENV_BYTES_MAX - 3))),
        draft().env(Map.of("K", "v".repeat(TaskLimits.ENV_BYTES_MAX - 2))));
    assertEquals(List.of("/env/"), broken(draft().env(Map.of("", "v"))));
    assertEquals(List.of("/env/A=B"), broken(draft().env(Map.of("A=B", "v"))));
    assertEquals(List.of("/env/HOLDFAST_X"), broken(draft().env(Map.of("HOLDFAST_X", "v"))));
    assertEquals(List.of("/env/a~1b~0c"), broken(draft().env(Map.of("a/b~c", "\0"))));
    draft().env(Map.of("HOLDFASTX", "v", "holdfast_x", "")).spec();
  }

  @Test
  void labelsAreBounded() {
    var most = new LinkedHashMap<String, String>();
    for (int i = 0; i < TaskLimits.LABELS_MAX; i++) {
      most.put("k" + i, "v");
    }
    var more = new LinkedHashMap<>(most);
    more.put("one more", "v");
    bounded("/labels", draft().labels(most), draft().labels(more));
    String longest = "k".repeat(TaskLimits.LABEL_CHARS_MAX);
    bounded(
        "/labels/" + longest + "k",
        draft().labels(Map.of(longest, longest)),
        draft().labels(Map.of(longest + "k", "v")));
    bounded(
        "/labels/k", draft().labels(Map.of("k", "")), draft().labels(Map.of("k", longest + "v")));
    assertEquals(List.of("/labels/"), broken(draft().labels(Map.of("", "v"))));
  }

  @Test
  void priorityIsBounded() {
    bounded(
        "/priority",
        draft().priority(TaskLimits.PRIORITY_MAX),
        draft().priority(TaskLimits.PRIORITY_MAX + 1));
    bounded(
        "/priority",
        draft().priority(TaskLimits.PRIORITY_MIN),
        draft().priority(TaskLimits.PRIORITY_MIN - 1));
  }

  @Test
  void durationsAreBounded() {
    Duration most = TaskLimits.DURATION_MAX;
    Duration more = most.plusNanos(1);
    Duration negative = Duration.ofNanos(-1);
    bounded("/timeout", draft().timeout(most), draft().timeout(more));
    bounded("/timeout", draft().timeout(Duration.ofNanos(1)), draft().timeout(Duration.ZERO));
    assertEquals(List.of("/timeout"), broken(draft().timeout(negative)));
    bounded("/stopGrace", draft().stopGrace(most), draft().stopGrace(more));
    bounded("/stopGrace", draft().stopGrace(Duration.ZERO), draft().stopGrace(negative));
    bounded("/retry/maxBackoff", draft().retry(2, most, most), draft().retry(2, most, more));
    bounded(
        "/retry/maxBackoff",
        draft().retry(2, Duration.ZERO, Duration.ZERO),
        draft().retry(2, Duration.ofSeconds(1), Duration.ZERO));
    assertEquals(List.of("/retry/backoff"), broken(draft().retry(2, negative, Duration.ZERO)));
  }

  @Test
  void attemptsAreBounded() {
    Duration second = Duration.ofSeconds(1);
    bounded(
        "/retry/maxAttempts",
        draft().retry(TaskLimits.ATTEMPTS_MAX, second, second),
        draft().retry(TaskLimits.ATTEMPTS_MAX + 1, second, second));
    assertEquals(List.of("/retry/maxAttempts"), broken(draft().retry(0, second, second)));
  }

  @Test
  void initiativeIsAnIdOrNone() {
    bounded(
        "/initiativeId",
        draft().initiative("0123456789abcdefghjk"),
        draft().initiative("../../etc/passwd...."));
    assertEquals(List.of("/initiativeId"), broken(draft().initiative("")));
  }

  @Test
  void textThatCannotBePassedOnIsRefusedEverywhere() {
    for (String bad : List.of("a\0b", "a" + HALF, HALF + "b", "\ude00\ud83d")) {
      assertEquals(List.of("/title"), broken(draft().title(bad)));
      assertEquals(List.of("/command/1"), broken(draft().command(List.of("x", bad))));
      assertEquals(List.of("/cwd"), broken(draft().cwd("/" + bad)));
      assertEquals(List.of("/env/K"), broken(draft().env(Map.of("K", bad))));
      assertEquals(List.of("/env/" + bad), broken(draft().env(Map.of(bad, "v"))));
      assertEquals(List.of("/labels/k"), broken(draft().labels(Map.of("k", bad))));
    }
    draft().title("\ud83d\ude00").command(List.of("\ud83d\ude00", "\n\t\u0001")).spec();
  }

  @Test
  void everyViolationIsNamedAtOnce() {
    SpecDraft worst =
        draft()
            .title("\0" + HALF)
            .command(List.of())
            .cwd("x")
            .env(Map.of("HOLDFAST_A=", "\0"))
            .priority(Integer.MIN_VALUE)
            .timeout(Duration.ZERO)
            .initiative("x");
    assertEquals(
        List.of(
            "/title",
            "/title",
            "/command",
            "/cwd",
            "/env/HOLDFAST_A=",
            "/env/HOLDFAST_A=",
            "/env/HOLDFAST_A=",
            "/priority",
            "/timeout",
            "/initiativeId"),
        broken(worst));
    String message = assertThrows(InvalidSpecException.class, worst::spec).toString();
    assertTrue(message.contains("/cwd must be an absolute path"), message);
  }

  @Test
  void aSpecificationDoesNotChangeWithWhatItWasMadeOf() {
    var command = new ArrayList<>(List.of("a"));
    var env = new LinkedHashMap<>(Map.of("A", "1"));
    TaskSpec spec = draft().command(command).env(env).spec();
    command.add("b");
    env.put("B", "2");
    assertEquals(List.of("a"), spec.command());
    assertEquals(Map.of("A", "1"), spec.env());
    assertThrows(UnsupportedOperationException.class, () -> spec.env().put("C", "3"));
  }

  @Test
  void aTitleIsMadeOfTheCommandAndAlwaysValid() {
    assertEquals("make docs", TaskSpec.titleOf(List.of("make", "docs"), 80));
    assertEquals("a b c", TaskSpec.titleOf(List.of("a\nb", "\0c"), 80).replace("  ", " "));
    assertEquals("123456789…", TaskSpec.titleOf(List.of("12345678901"), 10), "one word too long");
    assertEquals("1234567890", TaskSpec.titleOf(List.of("1234567890"), 10));
    assertEquals("123456 89…", TaskSpec.titleOf(List.of("123456", "89012"), 10));
    for (int shift = 0; shift < 12; shift++) {
      String emoji = "x".repeat(shift) + "\ud83d\ude00".repeat(20);
      String title = TaskSpec.titleOf(List.of(emoji, emoji), 10);
      assertTrue(title.length() <= 10, title);
      draft().title(title).spec();
    }
  }

  @Test
  void idsCannotSpellAnythingElse() {
    assertTrue(TaskId.isValid("0123456789abcdefghjk"));
    for (String bad :
        List.of(
            "",
            "0123456789abcdefghj",
            "0123456789abcdefghjkm",
            "0123456789ABCDEFGHJK",
            "../../../etc/passwd.",
            "0123456789abcdefghj/",
            "0123456789abcdefghji",
            "0123456789abcdefgh\0j")) {
      assertFalse(TaskId.isValid(bad), bad);
      assertThrows(IllegalArgumentException.class, () -> new TaskId(bad));
    }
  }

  @Test
  void outcomesAndIdentitiesHaveBounds() {
    for (int code : List.of(-1, 256)) {
      assertThrows(IllegalArgumentException.class, () -> new Outcome.Exited(code));
    }
    for (int signal : List.of(0, 65)) {
      assertThrows(IllegalArgumentException.class, () -> new Outcome.Signaled(signal));
    }
    assertThrows(IllegalArgumentException.class, () -> new ProcessIdentity(0, 1, "boot"));
    TaskId id = new TaskId("0123456789abcdefghjk");
    assertThrows(IllegalArgumentException.class, () -> new RunRef(id, 0, 1));
    assertEquals(id + "/2", new RunRef(id, 2, 1).toString());
    assertEquals(id + "/2.3", new RunRef(id, 2, 3).toString());
  }
}
