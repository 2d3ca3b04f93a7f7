package holdfast.application;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.TaskInput.InputAnswer;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.port.SimulatedWorld;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState.Name;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What tasks write and read: {@link Outputs}, {@link Following}, {@link TaskInput}. */
@Timeout(60)
class OutputsTest {
  private static final TaskId NOBODY = new TaskId("0123456789abcdefghjk");
  private static final Duration LONG = Duration.ofSeconds(20);

  private Site site = Site.notStarted(1, 5);

  @BeforeEach
  void start() throws InterruptedException {
    site = Site.notStarted(1, 5).start();
  }

  @AfterEach
  void close() {
    site.close();
  }

  private Following open(TaskId id) {
    return assertInstanceOf(
            Outputs.Opening.Opened.class, site.server().outputs().open(id, null, null))
        .following();
  }

  private static String read(Following following, long offset) {
    var bytes = ByteBuffer.allocate(100);
    following.read(offset, bytes);
    return UTF_8.decode(bytes.flip()).toString();
  }

  @Test
  void aReaderThatCameBeforeTheTaskBeganReadsToItsEnd() throws InterruptedException {
    TaskId id = site.hold(SpecDraft.of("sleep").spec());
    try (Following following = open(id)) {
      assertFalse(following.begun());
      assertEquals(0, following.end());
      assertFalse(following.await(0, Duration.ZERO));
      site.command(id, new TaskCommand.Release());
      SimulatedProcess process = site.process(id);
      process.write(OutputStreamName.MERGED, "one".getBytes(UTF_8));
      assertTrue(following.await(0, LONG));
      assertEquals("one", read(following, 0));
      assertFalse(following.complete());
      assertEquals(-1, following.recordedEnd());
      process.write(OutputStreamName.MERGED, "two".getBytes(UTF_8));
      process.exit(0);
      assertTrue(following.await(3, LONG));
      assertEquals("two", read(following, 3));
      assertTrue(following.await(6, LONG), "the end is news too");
      assertTrue(following.complete());
      assertEquals(6, following.recordedEnd());
      assertEquals(new Outcome.Exited(0), following.outcome());
    }
  }

  @Test
  void aReaderOfATaskThatNeverBeginsIsReleased() throws InterruptedException {
    TaskId id = site.hold(SpecDraft.of("sleep").spec());
    try (Following following = open(id)) {
      var waiting = new FutureTask<>(() -> following.await(0, LONG));
      Thread.ofVirtual().start(waiting);
      site.command(id, new TaskCommand.Cancel());
      assertTrue(waiting.get());
      assertTrue(following.complete());
      assertNull(following.outcome());
    } catch (ExecutionException failure) {
      throw new AssertionError(failure);
    }
  }

  @Test
  void aReaderFollowsIntoTheRunThatReplacedOneThatNeverRan() throws InterruptedException {
    site.world.interruptNextLaunch(SimulatedWorld.Interruption.BEFORE_SPAWN);
    TaskId id = site.submit("printf", "text");
    Await.until("it was launched", () -> site.control().launches() > 0);
    site.crashAndStart();
    try (Following following = open(id)) {
      assertEquals(1, following.attempt());
      assertTrue(following.await(0, LONG));
      assertEquals("text", read(following, 0));
    }
  }

  @Test
  void whatIsNotThereIsNamed() throws InterruptedException {
    TaskId id = site.submit(SpecDraft.of("true").output(OutputMode.SPLIT).spec());
    site.await(id, Name.SUCCEEDED);
    Outputs outputs = site.server().outputs();
    assertInstanceOf(Outputs.Opening.NoSuchTask.class, outputs.open(NOBODY, null, null));
    assertInstanceOf(Outputs.Opening.NoSuchAttempt.class, outputs.open(id, 2, null));
    assertInstanceOf(Outputs.Opening.NoSuchAttempt.class, outputs.open(id, 0, null));
    assertInstanceOf(
        Outputs.Opening.NoSuchStream.class, outputs.open(id, 1, OutputStreamName.MERGED));
    try (Following following = open(id)) {
      assertEquals(OutputStreamName.STDOUT, following.stream());
    }
    Site.done(site.tasks().purge(id, null));
    assertInstanceOf(Outputs.Opening.Purged.class, outputs.open(id, null, null));
  }

  private InputAnswer write(TaskId id, String text, boolean end) {
    return site.server().input().write(id, ByteBuffer.wrap(text.getBytes(UTF_8)), end);
  }

  @Test
  void inputReachesTheCommandAndItsEndToo() throws InterruptedException {
    TaskId id = site.submit(SpecDraft.of("cat").stdin(StdinMode.PIPE).spec());
    site.process(id);
    assertEquals(new InputAnswer.Accepted(), write(id, "hello ", false));
    site.crashAndStart();
    assertEquals(new InputAnswer.Accepted(), write(id, "world", true));
    site.await(id, Name.SUCCEEDED);
    try (Following following = open(id)) {
      assertEquals("hello world", read(following, 0));
    }
    assertInstanceOf(InputAnswer.WrongState.class, write(id, "late", false));
  }

  @Test
  void inputThatCannotBeTakenIsRefusedWhole() throws InterruptedException {
    assertEquals(new InputAnswer.NotFound(), write(NOBODY, "x", false));
    TaskId deaf = site.submit(SpecDraft.of("sleep").stdin(StdinMode.PIPE).spec());
    site.process(deaf);
    String most = "x".repeat(SimulatedWorld.INPUT_CAPACITY_BYTES);
    assertEquals(
        new InputAnswer.Full(SimulatedWorld.INPUT_CAPACITY_BYTES), write(deaf, most + "x", true));
    assertEquals(new InputAnswer.Accepted(), write(deaf, most, true), "nor was its end taken");
    assertInstanceOf(InputAnswer.Closed.class, write(deaf, "x", false));
    TaskId none = site.submit("sleep", "1");
    assertInstanceOf(InputAnswer.WrongState.class, write(none, "x", false));
    site.command(deaf, new TaskCommand.Kill());
    site.process(none);
    assertInstanceOf(InputAnswer.Closed.class, write(none, "x", false));
    site.await(deaf, Name.CANCELED);
    Site.done(site.tasks().purge(deaf, null));
    assertEquals(new InputAnswer.Gone(), write(deaf, "x", false));
  }
}
