package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.ExternalEdits.Settled;
import holdfast.application.Lookup;
import holdfast.application.SyncService.Forced;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Kept;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.port.SyncStrategy;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Edits of state files by hand: taken over, refused, lost, settled, and what is kept of each. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ExternalEditsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String NEW_ID = "7zzzzzzzzzzzzzzzzzzz";

  @TempDir private Path directory;

  private CoreOnDisk start(SyncStrategy strategy) throws Exception {
    return CoreOnDisk.start(directory.resolve("data"), InstantSource.system(), strategy);
  }

  private static Task task(CoreOnDisk server, TaskId id) {
    return server.core().state().task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
        ? stored.entity()
        : fail(id);
  }

  private static Task fail(TaskId id) {
    throw new AssertionError("there is no " + id);
  }

  private static void edit(Path file, String from, String to) throws Exception {
    String text = Files.readString(file);
    String edited = text.replace(from, to);
    assertFalse(text.equals(edited), from + " is not in " + text);
    Files.writeString(file, edited);
  }

  private static Conflict newest(CoreOnDisk server) {
    return server.core().sync().edits().conflicts().getFirst();
  }

  /** The newest entry of the audit trail that an edit has left; it names {@code conflict}. */
  private static Map<String, Object> audited(CoreOnDisk server, Conflict conflict) {
    server.storage().auditTrail().force();
    var filter =
        new EventLogReader.Filter(Set.of(Category.AUDIT), null, null, null, null, null, "edit of");
    Map<String, Object> entry =
        server.core().eventLog().page(filter, null, 1).lines().getFirst().entry().data();
    assertEquals(conflict.id(), entry.get("conflict"));
    assertEquals("edit", entry.get("actor"));
    assertEquals(conflict.key().id(), entry.get("target"));
    return entry;
  }

  @Test
  void anEditIsSeenByTheWatchAndIsAChangeLikeAnyOther() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.NEWEST_WINS)) {
      TaskId id = server.hold("before");
      server.core().sync().force();
      Path file = server.file(id);
      long seq = server.core().state().seq();
      edit(file, "\"title\": \"before\"", "\"title\": \"after\"");
      Await.until(() -> task(server, id).spec().title(), "after"::equals, PATIENCE);
      assertEquals(seq + 1, server.core().state().seq());
      assertEquals(2, task(server, id).revision());
      assertEquals(
          "edited",
          server
              .core()
              .history(holdfast.domain.port.EntityKey.of(id), Long.MAX_VALUE, 1)
              .getFirst()
              .change()
              .cause());
      server.core().sync().force();
      assertTrue(Files.readString(file).contains("\"checksum\""), "it is ours again");
      Conflict conflict = newest(server);
      assertEquals(Kept.PERSISTENT, conflict.kept());
      assertTrue(conflict.resolved());
      assertEquals(seq + 1, audited(server, conflict).get("seq"), "the change says whose it is");
      assertEquals(List.of(), server.scrub());
      edit(file, "\"name\": \"HELD\"", "\"name\": \"CANCELED\"");
      Forced forced = server.core().sync().force();
      assertEquals(TaskState.Name.CANCELED, task(server, id).state().name(), forced.toString());
    }
    try (CoreOnDisk server = start(SyncStrategy.NEWEST_WINS)) {
      assertEquals(2, server.core().sync().edits().conflicts().size());
    }
  }

  @Test
  void nonsenseIsRefusedWithTheReasonAndChangesNothing() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.PERSISTENT_WINS)) {
      TaskId id = server.hold("title");
      server.core().sync().force();
      Path file = server.file(id);
      String sound = Files.readString(file);
      Task before = task(server, id);
      List<List<String>> edits =
          List.of(
              List.of(id.value(), NEW_ID, "it is of " + NEW_ID),
              List.of("\"retries\": 0", "\"retries\": 7", "retries or reruns"),
              List.of("\"HELD\"", "\"SUCCEEDED\"", "cannot become SUCCEEDED"),
              List.of("\"revision\": 1", "\"revision\": 9", "revision 9 differ"),
              List.of("\"priority\": 0", "\"priority\": \"x\"", "it is no entity"),
              List.of("\"priority\": 0", "\"priority\": 2000000", "/priority"),
              List.of("\"cwd\": \"/", "\"cwd\": \"relative/", "/cwd"),
              List.of("\"env\": {}", "\"env\": {\"A\": \"1\", \"A\": \"2\"}", "not used before"),
              List.of("\"env\": {}", "\"env\": " + "{\"a\":".repeat(90) + "}".repeat(90), "deep"),
              List.of("\"env\": {}", "\"env\": {\"T\": \"[redacted]\"}", "the mark"),
              List.of(sound, "", "it is no entity"),
              List.of(sound, "\u0000\u0001", "it is no entity"));
      for (List<String> one : edits) {
        edit(file, one.get(0), one.get(1));
        server.core().sync().force();
        Conflict conflict = newest(server);
        String reason = String.valueOf(conflict.reason());
        assertTrue(reason.contains(one.get(2)), one + ": " + conflict);
        assertEquals(Kept.MEMORY, conflict.kept());
        assertNotNull(conflict.quarantine());
        assertEquals(sound, Files.readString(file), one.toString());
        assertEquals(before, task(server, id));
        assertEquals("refused", audited(server, conflict).get("result"));
      }
      assertEquals(edits.size(), server.core().sync().edits().conflicts().size());
    }
  }

  @Test
  void aConflictIsSettledOnce() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.MEMORY_WINS)) {
      TaskId id = server.hold("memory");
      server.core().sync().force();
      edit(server.file(id), "\"title\": \"memory\"", "\"title\": \"persistent\"");
      server.core().sync().force();
      assertEquals("memory", task(server, id).spec().title());
      Conflict lost = newest(server);
      assertFalse(lost.resolved());
      assertNull(lost.reason());
      var edits = server.core().sync().edits();
      assertInstanceOf(Settled.NotFound.class, edits.resolve("unknown", Kept.MEMORY));
      assertInstanceOf(Settled.Done.class, edits.resolve(lost.id(), Kept.PERSISTENT));
      assertEquals("persistent", task(server, id).spec().title());
      long seq = server.core().state().seq();
      assertInstanceOf(Settled.Done.class, edits.resolve(lost.id(), Kept.PERSISTENT));
      assertInstanceOf(Settled.Refused.class, edits.resolve(lost.id(), Kept.MEMORY));
      assertEquals(seq, server.core().state().seq());
    }
  }

  @Test
  void ofTwoChangesTheNewerWinsAndTheFutureNever() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.NEWEST_WINS)) {
      TaskId id = server.hold("first");
      server.core().sync().force();
      Path file = server.file(id);
      String old = Files.readString(file).replace("\"title\": \"first\"", "\"title\": \"edited\"");
      for (Instant time :
          List.of(Instant.now().plusSeconds(3_600), Instant.now().minusSeconds(3_600))) {
        server.rename(id, "second" + time.toEpochMilli());
        server.core().sync().force();
        Files.writeString(file, old);
        Files.setLastModifiedTime(file, FileTime.from(time));
        server.core().sync().force();
        assertTrue(task(server, id).spec().title().startsWith("second"), time.toString());
        assertFalse(newest(server).resolved());
      }
      Files.writeString(file, old);
      server.core().sync().force();
      assertEquals("edited", task(server, id).spec().title());
      assertFalse(newest(server).resolved(), "both sides had changed");
    }
  }

  @Test
  void whatIsBroughtInIsHeldAndWhatWasPurgedStaysAway() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.NEWEST_WINS)) {
      TaskId id = server.hold("title");
      server.core().sync().force();
      String text = Files.readString(server.file(id));
      String bare = text.substring(0, text.lastIndexOf(",\n  \"checksum\"")) + "\n}\n";
      var brought = new TaskId(NEW_ID);
      Path file = server.file(brought);
      Files.createDirectories(file.getParent());
      Files.writeString(file, bare.replace(id.value(), NEW_ID));
      server.core().sync().force();
      assertEquals(TaskState.Name.HELD, task(server, brought).state().name());
      assertTrue(Files.readString(file).contains("\"checksum\""));
      server.purge(id);
      server.core().sync().force();
      Files.writeString(server.file(id), bare);
      server.core().sync().force();
      assertInstanceOf(Lookup.Purged.class, server.core().state().task(id));
      assertFalse(Files.exists(server.file(id)));
      assertTrue(String.valueOf(newest(server).reason()).contains("does not come back"));
    }
  }
}
