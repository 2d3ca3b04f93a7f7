package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.AuditTrail.Broken;
import holdfast.domain.port.AuditTrail.Entry;
import holdfast.domain.port.AuditTrail.Flaw;
import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.AuditTrail.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What every audit trail promises. */
public abstract class AuditTrailContractTest {
  private static final Attribution ADMIN = new Attribution("admin", "127.0.0.1", "POST /api/tasks");

  /** A trail without entries, compared with {@link #journal}. */
  protected abstract AuditTrail trail();

  /** Alters the entry at a place, from 0, behind the trail's back. */
  protected abstract void alter(int place);

  /** Removes it. */
  protected abstract void remove(int place);

  /** What the journal holds. */
  protected final List<Committed> journal = new ArrayList<>();

  /** Gives it. */
  protected final List<Committed> after(long seq, int limit) {
    return journal.stream().filter(change -> change.seq() > seq).limit(limit).toList();
  }

  private void commit(int count) {
    for (int i = 0; i < count; i++) {
      long seq = journal.size() + 1L;
      journal.add(new Committed(seq, SampleTasks.submit(seq).by(ADMIN)));
    }
  }

  private void appendChanges(int from) {
    for (Committed change : journal.subList(from, journal.size())) {
      assertTrue(trail().append(Entry.of(change)));
    }
  }

  private void begun(int changes) {
    assertTrue(trail().catchUp(SampleTasks.NOON, 0, this::after));
    commit(changes);
    appendChanges(0);
  }

  private static Entry refusal(String problem) {
    return new Entry(SampleTasks.NOON, "refused", ADMIN, "x", problem, 0, 0, Map.of());
  }

  @Test
  void eachEntryIsChainedToTheOneBefore() {
    begun(0);
    Head first = trail().force();
    assertEquals(1, first.index());
    trail().append(refusal("stale"));
    Head second = trail().force();
    assertEquals(2, second.index());
    assertNotEquals(first.hash(), second.hash());
    assertEquals(second, trail().head());
  }

  @Test
  void aTrailThatIsAsItWasWrittenIsWhole() {
    begun(5);
    trail().append(refusal("stale"));
    Verdict verdict = trail().verify();
    assertNull(verdict.broken(), String.valueOf(verdict));
    assertEquals(7, verdict.entries());
    assertEquals(7, verdict.head().index());
    assertEquals(5, verdict.head().seq(), "what is no change accounts for none");
  }

  @Test
  void anAlteredEntryIsFound() {
    begun(5);
    trail().force();
    alter(3);
    assertBroken(Flaw.ALTERED, 4);
  }

  @Test
  void aRemovedEntryIsFound() {
    begun(5);
    trail().force();
    remove(2);
    assertBroken(Flaw.MISSING, 3);
  }

  @Test
  void aRemovedEndIsFound() {
    begun(5);
    trail().force();
    remove(5);
    assertBroken(Flaw.TRUNCATED, 6);
  }

  @Test
  void aChangeWithoutAnEntryIsFound() {
    begun(2);
    commit(2);
    trail().append(Entry.of(journal.getLast()));
    Broken broken = trail().verify().broken();
    assertNotNull(broken);
    assertEquals(Flaw.MISSING, broken.flaw());
    assertEquals(4, broken.index());
  }

  @Test
  void anEntryThatTheJournalContradictsIsFound() {
    begun(2);
    commit(1);
    Change change = journal.removeLast().change();
    journal.add(new Committed(3, change.by(new Attribution("session", "::1", "POST /api/tasks"))));
    trail().append(Entry.of(new Committed(3, change)));
    Broken broken = trail().verify().broken();
    assertNotNull(broken);
    assertEquals(4, broken.index());
  }

  private void assertBroken(Flaw flaw, long index) {
    Broken broken = trail().verify().broken();
    assertNotNull(broken);
    assertEquals(flaw, broken.flaw(), broken.toString());
    assertEquals(index, broken.index(), broken.toString());
  }

  @Test
  void whatIsLackingIsAppendedFromTheJournalOnce() {
    begun(2);
    commit(3);
    assertTrue(trail().catchUp(SampleTasks.NOON, 5, this::after));
    assertTrue(trail().catchUp(SampleTasks.NOON, 5, this::after));
    Verdict verdict = trail().verify();
    assertNull(verdict.broken(), String.valueOf(verdict));
    assertEquals(6, verdict.entries());
    assertEquals(5, verdict.head().seq());
  }

  @Test
  void whatIsNotInTheJournalAnyMoreIsAGapInTheChain() {
    begun(2);
    commit(4);
    journal.subList(0, 4).clear();
    assertTrue(trail().catchUp(SampleTasks.NOON, 6, this::after));
    Verdict verdict = trail().verify();
    assertNull(verdict.broken(), String.valueOf(verdict));
    assertEquals(6, verdict.entries(), "begun, two changes, the gap, two more");
    assertEquals(6, verdict.head().seq());
  }

  @Test
  void aTrailGoesOnInAHistoryThatEndsBeforeIt() {
    begun(4);
    journal.subList(2, 4).clear();
    assertTrue(trail().catchUp(SampleTasks.NOON, 2, this::after));
    assertEquals(2, trail().force().seq());
    commit(2);
    appendChanges(2);
    Verdict verdict = trail().verify();
    assertNull(verdict.broken(), String.valueOf(verdict));
    assertEquals(4, verdict.head().seq());
  }

  @Test
  void aTrailThatBeginsLaterThanHistoryAccountsForWhatWasBefore() {
    commit(3);
    assertTrue(trail().catchUp(SampleTasks.NOON, 3, this::after));
    commit(1);
    appendChanges(3);
    Verdict verdict = trail().verify();
    assertNull(verdict.broken(), String.valueOf(verdict));
    assertEquals(2, verdict.entries());
    assertFalse(verdict.head().seq() < 4);
  }
}
