package holdfast.bootstrap.resilience;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.bootstrap.resilience.SnapshotRestore.DryRun;
import holdfast.bootstrap.resilience.SnapshotRestore.State;
import holdfast.bootstrap.resilience.SyncConflict.Illegal;
import holdfast.bootstrap.resilience.SyncConflict.Late;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The judgements of edits and of restores pass what is promised, and name whatever is not so. */
class ConflictAndRestoreJudgementTest {
  private static final String EDITED = "sync conflict: edited by hand";
  private static final String PATCHED = "sync conflict: changed by the API";
  private static final String LATE = "sync conflict: edited too late";
  private static final String OLD = "restore: old title";
  private static final String NEW = "restore: new title";

  private static void caught(String what, List<String> faults) {
    assertTrue(
        faults.stream().anyMatch(fault -> fault.contains(what)), what + " is not in " + faults);
  }

  private static JsonObject task(String title, int revision, long seq) {
    return Json.createObjectBuilder()
        .add("title", title)
        .add("revision", revision)
        .add("seq", seq)
        .build();
  }

  private static JsonObject conflict(boolean resolved, boolean kept) {
    var builder = Json.createObjectBuilder().add("kept", "memory").add("resolved", resolved);
    return (kept ? builder.add("quarantine", "x") : builder.addNull("quarantine")).build();
  }

  private static List<String> edits(JsonObject edited, long event, Illegal illegal, Late late) {
    return SyncConflict.faults(
        new SyncConflict.Seen(task("before", 1, 5), edited, event, illegal, late));
  }

  @Test
  void editsOfStateFiles() {
    JsonObject edited = task(EDITED, 2, 6);
    var illegal = new Illegal(edited, conflict(false, true), true);
    var late = new Late(conflict(false, true), PATCHED, true, LATE, 409);
    assertEquals(List.of(), edits(edited, 6, illegal, late));
    caught("title after an edit", edits(task("before", 2, 6), 6, illegal, late));
    caught("revision", edits(task(EDITED, 1, 6), 6, illegal, late));
    caught("no seq", edits(task(EDITED, 2, 5), 5, illegal, late));
    caught("event", edits(edited, 0, illegal, late));
    caught("the rules", edits(edited, 6, new Illegal(late(1), conflict(true, true), true), late));
    caught("no place", edits(edited, 6, new Illegal(edited, conflict(true, false), true), late));
    caught("not in the", edits(edited, 6, new Illegal(edited, conflict(true, true), false), late));
    for (Late wrong :
        List.of(
            new Late(conflict(false, true), LATE, true, LATE, 409),
            new Late(conflict(true, true), PATCHED, true, LATE, 409),
            new Late(conflict(false, true), PATCHED, false, LATE, 409),
            new Late(conflict(false, true), PATCHED, true, PATCHED, 409),
            new Late(conflict(false, true), PATCHED, true, LATE, 200))) {
      assertEquals(1, edits(edited, 6, illegal, wrong).size(), wrong.toString());
    }
  }

  private static JsonObject late(int revision) {
    return task("another", revision, 9);
  }

  @Test
  void restores() {
    var dry = new DryRun(true, true, true, true);
    var before = new State(NEW, 200, "RUNNING 1", "RUNNING 2");
    var restored = new State(OLD, 404, "RUNNING 1", "RUNNING 2");
    List<Integer> refusals = List.of(400, 409, 409);
    List<String> epochs = List.of("1", "2", "2");
    assertEquals(List.of(), restore(dry, refusals, "epoch", epochs, restored, restored, before));
    caught(
        "dry run",
        restore(
            new DryRun(true, false, true, true),
            refusals,
            "epoch",
            epochs,
            restored,
            restored,
            before));
    caught(
        "has changed something",
        restore(
            new DryRun(true, true, true, false),
            refusals,
            "epoch",
            epochs,
            restored,
            restored,
            before));
    caught(
        "confirmation",
        restore(dry, List.of(200, 409, 409), "epoch", epochs, restored, restored, before));
    caught(
        "forget a running task",
        restore(dry, List.of(400, 409, 200), "epoch", epochs, restored, restored, before));
    caught("reset", restore(dry, refusals, "lagged", epochs, restored, restored, before));
    caught(
        "no epoch",
        restore(dry, refusals, "epoch", List.of("1", "1", "1"), restored, restored, before));
    caught(
        "epoch after",
        restore(dry, refusals, "epoch", List.of("1", "2", "3"), restored, restored, before));
    caught("after the restore", restore(dry, refusals, "epoch", epochs, before, restored, before));
    caught("after kill -9", restore(dry, refusals, "epoch", epochs, restored, before, before));
    caught("when undone", restore(dry, refusals, "epoch", epochs, restored, restored, restored));
    caught(
        "newer running task",
        restore(
            dry,
            refusals,
            "epoch",
            epochs,
            new State(OLD, 404, "RUNNING 1", "RUNNING 3"),
            restored,
            before));
  }

  private static List<String> restore(
      DryRun dry,
      List<Integer> refusals,
      String reset,
      List<String> epochs,
      State restored,
      State restarted,
      State undone) {
    return SnapshotRestore.faults(
        new SnapshotRestore.Seen(
            dry,
            refusals,
            reset,
            epochs,
            new State(NEW, 200, "RUNNING 1", "RUNNING 2"),
            restored,
            restarted,
            undone));
  }
}
