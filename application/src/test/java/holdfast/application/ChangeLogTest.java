package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every committed change of a task or an initiative is a line in the event log, once. */
@Timeout(60)
class ChangeLogTest {
  private final Site site = Site.notStarted(1, 7);

  @AfterEach
  void close() {
    site.close();
  }

  private void work(int times) throws InterruptedException {
    for (int i = 0; i < times; i++) {
      TaskId id = site.hold(SpecDraft.of("true").spec());
      site.command(id, new TaskCommand.Cancel());
      Site.done(site.tasks().purge(id, null));
      Site.done(
          site.tasks().createInitiative(new InitiativeSpec("title " + i, "", Map.of()), null));
    }
  }

  /** The seqs of all changes, by what the journal says, and by the lines of the log. */
  private void check(String what) {
    var tasks = new ArrayList<Long>();
    var initiatives = new ArrayList<Long>();
    for (Committed committed : site.storage().changes(0, 10_000)) {
      switch (committed.change().key().kind()) {
        case TASK -> tasks.add(committed.seq());
        case INITIATIVE -> initiatives.add(committed.seq());
      }
    }
    assertEquals(tasks, seqs(Category.TASK), what);
    assertEquals(initiatives, seqs(Category.INITIATIVE), what);
  }

  private List<Long> seqs(Category category) {
    return site.log.entries(category).stream()
        .filter(entry -> entry.data().containsKey("seq"))
        .map(entry -> (Long) entry.data().get("seq"))
        .toList();
  }

  @Test
  void linesThatACrashLostAreWrittenAgainAndNoneTwice() throws InterruptedException {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("ChangeLogTest seed " + seed);
    var random = new Random(seed);
    site.start();
    for (int round = 0; round < 20; round++) {
      work(1 + random.nextInt(5));
      site.crash();
      int lost = random.nextInt(2) * random.nextInt(12);
      site.log.lose(lost);
      site.start();
      check(lost + " lines lost, seed " + seed);
    }
    site.restart();
    check("seed " + seed);
  }

  @Test
  void allLinesAreWrittenAgainWhenTheLogIsGone() throws InterruptedException {
    site.start();
    work(700);
    site.crash();
    site.log.lose(Integer.MAX_VALUE);
    site.start();
    check("all lost");
    Entry line = site.log.entries(Category.TASK).getFirst();
    assertEquals("submitted", line.type());
    assertEquals(true, line.data().get("rebuilt"));
    assertEquals("HELD", line.data().get("state"));
    assertTrue(site.log.entries(Category.ERROR).isEmpty());
  }

  @Test
  void whatTheJournalNoLongerHasIsAGap() throws InterruptedException {
    site.start();
    work(10);
    site.crash();
    int kept = 12;
    site.log.lose(site.log.entries().size() - kept);
    long last = seqs(Category.TASK).getLast();
    site.retireJournalUpTo(25);
    site.start();
    List<Entry> gaps =
        site.log.entries(Category.TASK).stream()
            .filter(entry -> entry.type().equals("gap"))
            .toList();
    assertEquals(1, gaps.size());
    assertEquals(last + 1, gaps.getFirst().data().get("fromSeq"));
    assertEquals(25L, gaps.getFirst().data().get("toSeq"));
    assertEquals(25L - last, gaps.getFirst().data().get("lost"));
    assertEquals(39L, seqs(Category.TASK).getLast());
  }

  @Test
  void theLifeOfATaskIsLoggedUpToTheVerdict() throws InterruptedException {
    site.start();
    site.world.program("wait", _ -> {});
    TaskId id = site.submit("wait");
    site.process(id);
    site.crashAndStart();
    Entry verdict =
        site.log.entries(Category.TASK).stream()
            .filter(entry -> entry.type().equals("verdict"))
            .findFirst()
            .orElseThrow();
    assertEquals(id.value(), verdict.data().get("taskId"));
    assertEquals("ADOPTED", verdict.data().get("verdict"));
    assertFalse(verdict.data().containsKey("seq"));
    assertNull(verdict.data().get("rebuilt"));
    check("with a verdict");
  }

  @Test
  void whatLooksLikeASecretIsNotLogged() throws InterruptedException {
    site.start();
    site.server()
        .note(
            Category.SYSTEM,
            "noted",
            Map.of(
                "API_TOKEN", "hunter2",
                "key", "abc",
                "error", "run with DB_PASSWORD=hunter2 and Authorization: Bearer hunter3, please"));
    Entry noted = site.log.entries(Category.SYSTEM).getLast();
    assertEquals("[redacted]", noted.data().get("API_TOKEN"));
    assertEquals("abc", noted.data().get("key"));
    assertEquals(
        "run with DB_PASSWORD=[redacted] and Authorization: Bearer [redacted], please",
        noted.data().get("error"));
  }
}
