package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Reconciled;
import holdfast.domain.port.StateFiles.Swept;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** What all {@link StateFiles} promise. */
public abstract class StateFilesContractTest {

  /** Without any copy and without a checkpoint, of a history that reaches at least seq 100. */
  protected abstract StateFiles files();

  /** Takes an entity's copy away behind the port's back. */
  protected abstract void lose(EntityKey key);

  private static Stored<Task> task(long n) {
    Change.PutTask submit = SampleTasks.submit(n);
    return new Stored<>(submit.task(), n, submit.cause());
  }

  private static Stored<Initiative> initiative(long n) {
    Change.PutInitiative put = SampleTasks.initiative(n, "one");
    return new Stored<>(put.initiative(), n, put.cause());
  }

  private static EntityKey key(Stored<Task> task) {
    return EntityKey.of(task.entity().id());
  }

  private List<Finding> sweep(Predicate<EntityKey> exists) {
    var findings = new ArrayList<Finding>();
    Swept swept = files().sweep(exists);
    findings.addAll(swept.findings());
    while (!swept.last()) {
      swept = files().sweep(exists);
      findings.addAll(swept.findings());
    }
    return findings;
  }

  @Test
  void whatIsNewIsWrittenOnceAndIsNoFinding() {
    List<Stored<Task>> tasks = List.of(task(1), task(2));
    assertEquals(
        new Reconciled(3, List.of()), files().reconcile(tasks, List.of(initiative(3)), List.of()));
    assertEquals(
        new Reconciled(0, List.of()), files().reconcile(tasks, List.of(initiative(3)), List.of()));
    assertEquals(List.of(), sweep(_ -> true));
  }

  @Test
  void theCheckpointNeverFalls() {
    assertEquals(0, files().checkpoint());
    files().checkpoint(7);
    files().checkpoint(5);
    assertEquals(7, files().checkpoint());
  }

  @Test
  void aCopyThatShouldBeThereIsMissedAndMadeAgain() {
    files().reconcile(List.of(task(1)), List.of(), List.of());
    files().checkpoint(1);
    lose(key(task(1)));
    Reconciled mended = files().reconcile(List.of(task(1)), List.of(), List.of());
    assertEquals(1, mended.written());
    assertEquals(
        List.of(Condition.MISSING), mended.findings().stream().map(Finding::condition).toList());
    assertEquals(
        new Reconciled(0, List.of()), files().reconcile(List.of(task(1)), List.of(), List.of()));
  }

  @Test
  void whatIsGoneLeavesNoCopy() {
    files().reconcile(List.of(task(1), task(2)), List.of(), List.of());
    assertEquals(
        new Reconciled(0, List.of()),
        files().reconcile(List.of(), List.of(), List.of(key(task(1)))));
    assertEquals(List.of(), sweep(key -> key.equals(key(task(2)))));
  }

  @Test
  void aCopyOfNothingIsPutAside() {
    files().reconcile(List.of(task(1), task(2)), List.of(), List.of());
    List<Finding> findings = sweep(key -> key.equals(key(task(2))));
    assertEquals(1, findings.size());
    assertEquals(key(task(1)), findings.getFirst().key());
    assertTrue(sweep(key -> key.equals(key(task(2)))).isEmpty(), "put aside once");
  }
}
