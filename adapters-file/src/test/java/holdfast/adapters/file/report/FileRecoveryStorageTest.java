package holdfast.adapters.file.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.json.RecoveryReportJson;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.adapters.file.report.FileRecoveryStorage.Bounds;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Cause;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Old reports go, and what is none fails nothing. */
class FileRecoveryStorageTest {
  private static final Path REPORTS = Path.of("/recovery/reports");
  private static final Path ASIDE = Path.of("/recovery/quarantine");

  private final SimulatedDisk disk = new SimulatedDisk(Path.of("/recovery"));
  private final List<String> troubles = new ArrayList<>();

  @BeforeEach
  void directories() throws IOException {
    disk.createDirectory(REPORTS);
    disk.createDirectory(ASIDE);
  }

  private FileRecoveryStorage storage(Bounds bounds) {
    var quarantine =
        new Quarantine(disk, ASIDE, InstantSource.fixed(SampleTasks.NOON), Long.MAX_VALUE);
    return new FileRecoveryStorage(disk, REPORTS, quarantine, bounds, troubles::add);
  }

  private static RecoveryReport report(int number, String padding) {
    return new RecoveryReport(
        id(number),
        SampleTasks.NOON,
        SampleTasks.NOON,
        Cause.CRASH,
        false,
        number,
        false,
        List.of(padding),
        List.of(),
        List.of());
  }

  private static String id(int number) {
    return "20261123T120000.%03dZ-%d".formatted(number, number);
  }

  private static List<String> ids(int from, int downTo) {
    return IntStream.rangeClosed(downTo, from).mapToObj(n -> id(from + downTo - n)).toList();
  }

  private static List<String> kept(FileRecoveryStorage storage) {
    return storage.newest(1_000).stream().map(RecoveryReport::id).toList();
  }

  private void put(String name, byte[] content) throws IOException {
    try (DiskFile file = disk.open(REPORTS.resolve(name), Disk.Access.CREATE)) {
      file.write(ByteBuffer.wrap(content), 0);
    }
  }

  @Test
  void theNewestHundredAreKeptAndTheOthersAreGoneDurably() {
    FileRecoveryStorage storage = storage(Bounds.USUAL);
    for (int i = 0; i < 230; i++) {
      storage.save(report(i, ""));
    }
    assertEquals(ids(229, 130), kept(storage));
    assertEquals(100, disk.list(REPORTS).size());
    assertEquals(0, disk.unforced());
    assertEquals(List.of(), troubles);
  }

  @Test
  void allTogetherHaveABudgetAndTheNewestIsKeptWhateverItsSize() {
    int bytes = RecoveryReportJson.bytes(report(100, "")).length;
    FileRecoveryStorage storage = storage(new Bounds(100, 5L * bytes));
    for (int i = 100; i < 120; i++) {
      storage.save(report(i, ""));
    }
    assertEquals(ids(119, 115), kept(storage));
    storage.save(report(120, "x".repeat(10 * bytes)));
    assertEquals(ids(120, 120), kept(storage));
    storage.save(report(121, ""));
    assertEquals(ids(121, 121), kept(storage));
  }

  @Test
  void whatIsDamagedOrForeignIsPutAsideAndReportedAndTheRestIsShown() throws IOException {
    FileRecoveryStorage storage = storage(new Bounds(10, Long.MAX_VALUE));
    for (int i = 0; i < 3; i++) {
      storage.save(report(i, ""));
    }
    disk.tamper(REPORTS.resolve(id(1) + ".json"), bytes -> new byte[] {'{', 'x'});
    put(id(7) + ".json", RecoveryReportJson.bytes(report(0, "")));
    put("notes.txt", "mine".getBytes(StandardCharsets.UTF_8));
    disk.createDirectory(REPORTS.resolve(id(5) + ".json"));
    assertEquals(List.of(id(2), id(0)), kept(storage));
    storage.save(report(8, ""));
    assertEquals(List.of(id(8), id(2), id(0)), kept(storage));
    assertEquals(3, disk.list(REPORTS).size());
    assertEquals(4, troubles.size(), troubles.toString());
    for (String name : List.of(id(1), id(7), id(5), "notes.txt")) {
      assertTrue(troubles.stream().anyMatch(what -> what.contains(name)), name + ": " + troubles);
    }
    assertEquals(8, disk.list(ASIDE).size(), "four things, each with a note");
    assertFalse(storage.find(id(1)).isPresent());
  }

  @Test
  void reportsThatCannotBeRemovedDoNotMakeTheNewOneFail() {
    FileRecoveryStorage storage = storage(new Bounds(1, Long.MAX_VALUE));
    storage.save(report(0, ""));
    int before = disk.forces();
    storage.save(report(1, ""));
    int forces = disk.forces() - before;
    disk.failForce(disk.forces() + forces - 1);
    storage.save(report(2, ""));
    assertEquals(1, troubles.size(), troubles.toString());
    assertEquals(List.of(id(2)), kept(storage));
  }
}
