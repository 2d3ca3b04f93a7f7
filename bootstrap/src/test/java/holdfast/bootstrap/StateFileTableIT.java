package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a state file can be, row by row, and what is done about it: under a running server, and
 * found by the next one. Each row happens to a task's file and to an initiative's at once.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class StateFileTableIT {
  private static final Instant LONG_AGO = Instant.parse("2026-11-23T12:00:00.123456789Z");

  @TempDir private Path directory;
  private Instant now = LONG_AGO;
  private final InstantSource clock = () -> now;
  private TaskId task;
  private TaskId otherTask;
  private InitiativeId initiative;
  private InitiativeId otherInitiative;
  private final Map<Path, byte[]> earlier = new HashMap<>();

  /** A file, and what happens to it. */
  @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
  private record Victim(Path file, byte[] sound, byte[] earlier, byte[] another) {
    void write(byte[] bytes) throws IOException {
      Files.write(file, bytes);
    }

    /** As a failing disk does it: the time stays. */
    void rot(byte[] bytes) throws IOException {
      FileTime time = Files.getLastModifiedTime(file);
      Files.write(file, bytes);
      Files.setLastModifiedTime(file, time);
    }

    void touch(Instant time) throws IOException {
      Files.setLastModifiedTime(file, FileTime.from(time));
    }

    String text() {
      return new String(sound, StandardCharsets.UTF_8);
    }

    byte[] replaced(String regex, String by) {
      String changed = text().replaceFirst(regex, by);
      assertFalse(changed.equals(text()), regex + " is not in " + text());
      return changed.getBytes(StandardCharsets.UTF_8);
    }

    byte[] edited() {
      return retitled("edited");
    }

    /** The same bytes are kept once only, so each row has its own. */
    byte[] retitled(String word) {
      return replaced("\"title\": \"second", "\"title\": \"" + word);
    }

    byte[] flipped(int at) {
      byte[] bytes = sound.clone();
      bytes[at] ^= 4;
      return bytes;
    }
  }

  @FunctionalInterface
  private interface Damage {
    void to(Victim victim) throws IOException;
  }

  /** A row of the table. */
  private enum Row {
    IN_SYNC(null, false, _ -> {}),
    TOUCHED(null, false, victim -> victim.touch(Instant.now())),
    TOUCHED_IN_THE_FUTURE(
        null, false, victim -> victim.touch(Instant.parse("2199-01-01T00:00:00Z"))),
    STALE(Condition.STALE, false, victim -> victim.rot(victim.earlier())),
    STALE_AND_COPIED_JUST_NOW(Condition.STALE, false, victim -> victim.write(victim.earlier())),
    OTHER_LINEAGE(
        Condition.FOREIGN,
        true,
        victim ->
            victim.write(
                sealed(
                    victim.replaced("\"lineage\": \"[^\"]*", "\"lineage\": \"" + new UUID(1, 2))))),
    NEWER_EPOCH(
        Condition.FOREIGN,
        true,
        victim -> victim.write(sealed(victim.replaced("\"epoch\": 1", "\"epoch\": 2")))),
    OLDER_EPOCH(
        Condition.FOREIGN,
        true,
        victim -> victim.write(sealed(victim.replaced("\"epoch\": 1", "\"epoch\": 0")))),
    ANOTHER_ENTITY(Condition.FOREIGN, true, victim -> victim.write(victim.another())),
    NEWER_VERSION(
        Condition.FOREIGN,
        true,
        victim -> victim.write(sealed(victim.replaced("\"version\": 2", "\"version\": 3")))),
    NEWER_FORMAT(
        Condition.FOREIGN,
        true,
        victim -> victim.write(sealed(victim.replaced("\"format\": 1", "\"format\": 9")))),
    ROT(Condition.DAMAGED, true, victim -> victim.rot(victim.flipped(2))),
    ROT_THAT_READS_LIKE_AN_EDIT(
        Condition.DAMAGED, true, victim -> victim.rot(victim.retitled("sekond"))),
    ROT_OF_THE_CHECKSUM(
        Condition.DAMAGED, true, victim -> victim.rot(victim.flipped(victim.sound().length - 6))),
    ZEROED(Condition.DAMAGED, true, victim -> victim.rot(new byte[victim.sound().length])),
    EDITED(Condition.EDITED, true, victim -> victim.write(victim.edited())),
    EDITED_AND_DATED_IN_THE_FUTURE(
        Condition.EDITED,
        true,
        victim -> {
          victim.write(victim.retitled("future"));
          victim.touch(Instant.parse("2199-01-01T00:00:00Z"));
        }),
    EDITED_AND_THE_CHECKSUM_REMOVED(
        Condition.EDITED,
        true,
        victim ->
            victim.write(withoutChecksum(new String(victim.edited(), StandardCharsets.UTF_8)))),
    EDITED_WHEN_IT_WAS_OLDER(
        Condition.EDITED,
        true,
        victim ->
            victim.write(
                new String(victim.earlier(), StandardCharsets.UTF_8)
                    .replace("\"title\": \"first", "\"title\": \"edited")
                    .getBytes(StandardCharsets.UTF_8))),
    EDITED_AND_GIVEN_ANOTHER_ID(
        Condition.DAMAGED,
        true,
        victim ->
            victim.write(
                victim.replaced(
                    "\"(task|initiative)\": \"[^\"]*", "\"$1\": \"00000000000000000000"))),
    NO_ENTITY(Condition.DAMAGED, true, victim -> victim.write(new byte[] {'{', '}', '\n'})),
    EMPTY(Condition.DAMAGED, true, victim -> victim.write(new byte[0])),
    MISSING(Condition.MISSING, false, victim -> Files.delete(victim.file()));

    private final @Nullable Condition condition;
    private final boolean isKept;

    @SuppressWarnings("ImmutableEnumChecker") // it has no state
    private final Damage damage;

    Row(@Nullable Condition condition, boolean isKept, Damage damage) {
      this.condition = condition;
      this.isKept = isKept;
      this.damage = damage;
    }
  }

  /** The same with a checksum that is right. */
  private static byte[] sealed(byte[] json) {
    String text = new String(json, StandardCharsets.UTF_8);
    String covered = text.substring(0, text.lastIndexOf(",\n  \"checksum\""));
    var crc = new CRC32C();
    crc.update(covered.getBytes(StandardCharsets.UTF_8));
    return (covered
            + ",\n  \"checksum\": \"crc32c-"
            + String.format("%08x", crc.getValue())
            + "\"\n}\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] withoutChecksum(String text) {
    return (text.substring(0, text.lastIndexOf(",\n  \"checksum\"")) + "\n}\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private Path data() {
    return directory.resolve("data");
  }

  private CoreOnDisk start() throws Exception {
    return CoreOnDisk.start(data(), clock);
  }

  /** Two tasks and two initiatives, each of which was changed once. */
  @BeforeEach
  void fill() throws Exception {
    try (CoreOnDisk server = start()) {
      task = server.hold("first task");
      otherTask = server.hold("another task");
      initiative = server.initiative("first initiative");
      otherInitiative = server.initiative("another initiative");
      server.core().sync().force();
      for (Path file : List.of(server.file(task), server.file(initiative))) {
        earlier.put(file, Files.readAllBytes(file));
      }
      now = now.plusSeconds(60);
      server.rename(task, "second task");
      server.rename(initiative, "second initiative");
      server.core().sync().force();
      assertEquals(List.of(), server.scrub());
    }
  }

  private List<Victim> victims(CoreOnDisk server) throws IOException {
    return List.of(
        victim(server.file(task), server.file(otherTask)),
        victim(server.file(initiative), server.file(otherInitiative)));
  }

  private Victim victim(Path file, Path another) throws IOException {
    byte[] before = earlier.get(file);
    assertNotNull(before);
    return new Victim(file, Files.readAllBytes(file), before, Files.readAllBytes(another));
  }

  @Test
  void everyRowOfTheTableUnderARunningServer() throws Exception {
    try (CoreOnDisk server = start()) {
      assertEquals(List.of(), server.foundAtStart());
      List<Victim> victims = victims(server);
      int named = 0;
      for (Row row : Row.values()) {
        List<byte[]> damaged = damage(row, victims);
        check(row, victims, damaged, server.found());
        assertEquals(List.of(), server.scrub(), row + ": once is enough");
        named += row.condition == null ? 0 : 1;
        assertNamed(row, victims, named, server);
      }
    }
  }

  @Test
  void everyRowOfTheTableFoundByTheNextServer() throws Exception {
    List<Victim> victims;
    try (CoreOnDisk server = start()) {
      victims = victims(server);
    }
    for (Row row : Row.values()) {
      List<byte[]> damaged = damage(row, victims);
      try (CoreOnDisk server = start()) {
        check(row, victims, damaged, server.foundAtStart());
        assertEquals(List.of(), server.scrub(), row + ": once is enough");
      }
    }
  }

  private static List<byte[]> damage(Row row, List<Victim> victims) throws IOException {
    var damaged = new ArrayList<byte[]>();
    for (Victim victim : victims) {
      row.damage.to(victim);
      damaged.add(Files.exists(victim.file()) ? Files.readAllBytes(victim.file()) : new byte[0]);
    }
    return damaged;
  }

  private void check(Row row, List<Victim> victims, List<byte[]> damaged, List<Finding> findings)
      throws IOException {
    assertEquals(
        row.condition == null ? 0 : victims.size(), findings.size(), row + ": " + findings);
    for (Victim victim : victims) {
      assertArrayEquals(victim.sound(), Files.readAllBytes(victim.file()), row.toString());
    }
    for (int i = 0; i < findings.size(); i++) {
      String place = victims.get(i).file().toString();
      Finding finding =
          findings.stream().filter(found -> found.place().equals(place)).findFirst().orElseThrow();
      assertEquals(row.condition, finding.condition(), finding.toString());
      assertEquals(row.isKept, finding.quarantined() != null, finding.toString());
      if (row.isKept) {
        assertKept(finding, damaged.get(i), "memory");
      }
    }
  }

  private void assertKept(Finding finding, byte[] bytes, String source) throws IOException {
    Path kept = Path.of(String.valueOf(finding.quarantined()));
    assertTrue(kept.startsWith(data().resolve("state/recovery/quarantine")), finding.toString());
    assertArrayEquals(bytes, Files.readAllBytes(kept));
    String note = Files.readString(kept.resolveSibling(kept.getFileName() + ".note"));
    assertTrue(note.contains("what: " + finding.detail() + "\n"), note);
    assertTrue(note.contains("where: " + finding.place() + "\n"), note);
    assertTrue(note.contains("when: " + now + "\n"), note);
    assertTrue(note.contains("rebuilt from: " + source + "\n"), note);
  }

  /** In the error log by its place, each time, and in health by how many there were. */
  private void assertNamed(Row row, List<Victim> victims, int times, CoreOnDisk server)
      throws IOException {
    server.storage().eventLog().flush();
    Path errors = data().resolve("logs/error/error.jsonl");
    List<String> log = Files.exists(errors) ? Files.readAllLines(errors) : List.of();
    for (Victim victim : victims) {
      assertEquals(
          times,
          log.stream().filter(line -> line.contains(victim.file().toString())).count(),
          row + ": " + log);
    }
    assertEquals(
        times > 0,
        server
            .health("sync")
            .contains("; " + victims.size() * times + " were not as they were written"),
        server.health("sync"));
  }

  @Test
  void aFileBeyondTheJournalsEndIsReportedAndNeverAdoptedNorOverwritten() throws Exception {
    List<Victim> victims;
    List<byte[]> ahead;
    try (CoreOnDisk server = start()) {
      victims = victims(server);
      ahead = new ArrayList<>();
      for (Victim victim : victims) {
        byte[] bytes = sealed(victim.replaced("\"seq\": \\d+", "\"seq\": 4711").clone());
        ahead.add(bytes);
        victim.write(bytes);
      }
      assertAhead(victims, ahead, server.scrub(), server);
      assertAhead(victims, ahead, server.scrub(), server);
    }
    try (CoreOnDisk server = start()) {
      assertAhead(victims, ahead, server.foundAtStart(), server);
      assertTrue(server.core().health().ready(), "what is there can still be used");
    }
  }

  private void assertAhead(
      List<Victim> victims, List<byte[]> ahead, List<Finding> findings, CoreOnDisk server)
      throws IOException {
    assertEquals(2, findings.size(), findings.toString());
    for (int i = 0; i < 2; i++) {
      assertEquals(Condition.AHEAD, findings.get(i).condition());
      assertArrayEquals(ahead.get(i), Files.readAllBytes(victims.get(i).file()), "is evidence");
      Path kept = Path.of(String.valueOf(findings.get(i).quarantined()));
      assertArrayEquals(ahead.get(i), Files.readAllBytes(kept));
    }
    assertTrue(server.health("sync").startsWith("down: "), server.health("sync"));
    assertTrue(server.health("sync").contains("the journal has lost"), server.health("sync"));
    assertTrue(server.health("sync").contains(".json"), server.health("sync"));
  }

  @Test
  void whatWasPurgedDoesNotComeBackWithItsFile() throws Exception {
    List<Victim> victims;
    try (CoreOnDisk server = start()) {
      victims = victims(server);
      server.purge(task);
      server.delete(initiative);
      server.core().sync().force();
      victims.forEach(victim -> assertFalse(Files.exists(victim.file()), victim.toString()));
      for (Victim victim : victims) {
        victim.write(victim.sound());
      }
      assertPutAside(Condition.FOREIGN, victims, server.scrub());
      assertEquals(List.of(), server.scrub());
    }
    for (Victim victim : victims) {
      victim.write(victim.sound());
    }
    try (CoreOnDisk server = start()) {
      assertPutAside(Condition.FOREIGN, victims, server.foundAtStart());
      assertTrue(server.health("tasks").endsWith(" 1 total tasks"), server.health("tasks"));
    }
  }

  private void assertPutAside(Condition condition, List<Victim> victims, List<Finding> findings)
      throws IOException {
    assertEquals(victims.size(), findings.size(), findings.toString());
    for (Victim victim : victims) {
      Finding finding =
          findings.stream()
              .filter(one -> one.place().equals(victim.file().toString()))
              .findFirst()
              .orElseThrow();
      assertEquals(condition, finding.condition());
      assertFalse(Files.exists(victim.file()));
      assertKept(finding, victim.sound(), "nothing");
    }
  }

  @Test
  void whatWasBroughtInByHandIsPutAside() throws Exception {
    String id = "7zzzzzzzzzzzzzzzzzzz";
    try (CoreOnDisk server = start()) {
      byte[] entity =
          withoutChecksum(Files.readString(server.file(task)).replace(task.value(), id));
      Path file = data().resolve("state/tasks/7z").resolve(id + ".json");
      Files.createDirectories(file.getParent());
      Files.write(file, entity);
      Victim victim = new Victim(file, entity, entity, entity);
      assertPutAside(Condition.UNKNOWN, List.of(victim), server.scrub());
      assertTrue(server.health("tasks").endsWith(" 2 total tasks"), server.health("tasks"));
    }
  }

  /** As when the clock's battery is empty, or somebody sets it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59.999999999Z",
        "2026-11-23T12:00:00.123456788Z",
        "2100-01-01T00:00:00.000000001Z"
      })
  void aClockThatJumpsMakesNoEditOfRotAndLosesNothing(String time) throws Exception {
    now = Instant.parse(time);
    Victim victim;
    try (CoreOnDisk server = start()) {
      assertEquals(List.of(), server.foundAtStart());
      server.rename(task, "second task, at another time");
      server.core().sync().force();
      assertEquals(
          now.truncatedTo(ChronoUnit.MICROS),
          Files.getLastModifiedTime(server.file(task)).toInstant().truncatedTo(ChronoUnit.MICROS));
      victim = victim(server.file(task), server.file(otherTask));
      victim.rot(victim.edited());
      assertFound(Condition.DAMAGED, victim, server.scrub());
      victim.write(victim.edited());
      assertFound(Condition.EDITED, victim, server.scrub());
      now = LONG_AGO;
      victim.rot(victim.flipped(2));
      assertFound(Condition.DAMAGED, victim, server.scrub());
      victim.touch(LONG_AGO);
      assertEquals(List.of(), server.scrub());
    }
    victim.touch(Instant.parse(time));
    victim.rot(victim.edited());
    try (CoreOnDisk server = start()) {
      assertFound(Condition.DAMAGED, victim, server.foundAtStart());
    }
  }

  private static void assertFound(Condition condition, Victim victim, List<Finding> findings)
      throws IOException {
    assertEquals(List.of(condition), findings.stream().map(Finding::condition).toList());
    assertArrayEquals(victim.sound(), Files.readAllBytes(victim.file()));
  }

  @Test
  void aThousandFilesThatGoAtOnceAreAllBackInOneRound() throws Exception {
    try (CoreOnDisk server = start()) {
      var writers = new ArrayList<Thread>();
      for (int i = 0; i < 1_000; i++) {
        String title = "task " + i;
        writers.add(Thread.startVirtualThread(() -> hold(server, title)));
      }
      for (Thread writer : writers) {
        writer.join();
      }
      server.core().sync().force();
      Map<Path, String> before = stateFiles();
      assertEquals(1_004, before.size());
      for (Path file : before.keySet()) {
        Files.delete(file);
      }
      server.scrub();
      assertEquals(before, stateFiles());
      assertEquals(1_004, server.core().sync().status().findings());
      assertEquals(List.of(), server.scrub());
    }
  }

  private static void hold(CoreOnDisk server, String title) {
    try {
      server.hold(title);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private Map<Path, String> stateFiles() throws IOException {
    var files = new HashMap<Path, String>();
    for (String kind : List.of("tasks", "initiatives")) {
      try (Stream<Path> walk = Files.walk(data().resolve("state").resolve(kind))) {
        for (Path file : walk.filter(Files::isRegularFile).toList()) {
          files.put(file, Files.readString(file));
        }
      }
    }
    return files;
  }

  @ParameterizedTest
  @ValueSource(strings = {"nothing", "file", "link", "fifo"})
  void whateverStandsInAShardsPlaceItsFilesAreBackAndNothingIsFollowed(String what)
      throws Exception {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Files.writeString(outside.resolve("theirs.json.tmp"), "not yours");
    for (boolean isAtRest : List.of(false, true)) {
      Map<Path, String> before = stateFiles();
      Path shard = data().resolve("state/tasks").resolve(task.value().substring(0, 2));
      if (isAtRest) {
        replace(shard, what, outside);
      }
      try (CoreOnDisk server = start()) {
        if (!isAtRest) {
          replace(shard, what, outside);
          server.scrub();
        }
        assertEquals(before, stateFiles(), what);
        List<Finding> findings = server.core().sync().findings();
        assertTrue(
            findings.stream().anyMatch(one -> one.place().startsWith(shard.toString())),
            findings.toString());
        assertEquals(List.of(), server.scrub());
      }
    }
    try (Stream<Path> there = Files.list(outside)) {
      assertEquals(List.of(outside.resolve("theirs.json.tmp")), there.toList());
    }
  }

  private static void replace(Path directory, String what, Path outside) throws Exception {
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path path : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
    switch (what) {
      case "nothing" -> {}
      case "file" -> Files.writeString(directory, "x");
      case "link" -> Files.createSymbolicLink(directory, outside);
      case "fifo" ->
          assertEquals(0, new ProcessBuilder("mkfifo", directory.toString()).start().waitFor());
      default -> throw new AssertionError(what);
    }
  }
}
