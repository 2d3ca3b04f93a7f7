package holdfast.adapters.file.quarantine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.domain.port.SampleTasks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A fault that comes again and again does not fill the disk. */
class QuarantineTest {
  private static final Path DIRECTORY = Path.of("/state/quarantine");
  private static final Path FILE = Path.of("/state/INSTANCE");

  private final SimulatedDisk disk = new SimulatedDisk(Path.of("/state"));

  @BeforeEach
  void directory() throws IOException {
    disk.createDirectory(DIRECTORY);
  }

  private Quarantine quarantine(long budget, int entries) {
    return new Quarantine(disk, DIRECTORY, InstantSource.fixed(SampleTasks.NOON), budget, entries);
  }

  private void write(String content) throws IOException {
    disk.delete(FILE);
    try (DiskFile file = disk.open(FILE, Disk.Access.CREATE)) {
      file.write(ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8)), 0);
    }
  }

  @Test
  void theSameDamageAgainAndAgainIsKeptOnce() throws IOException {
    Quarantine quarantine = quarantine(1_000, 10);
    for (int i = 0; i < 100; i++) {
      write("damaged");
      assertNotNull(quarantine.keep(FILE, "is damaged", "memory"));
    }
    assertEquals(2, disk.list(DIRECTORY).size());
  }

  @Test
  void otherDamageEachTimeIsKeptUpToANumberAndThenOnlyTold() throws IOException {
    Quarantine quarantine = quarantine(Long.MAX_VALUE, 10);
    for (int i = 0; i < 500; i++) {
      write("damage " + i);
      Path kept = quarantine.keep(FILE, "is damaged", "memory");
      assertEquals(i < 10, kept != null);
    }
    assertEquals(21, disk.list(DIRECTORY).size(), "ten pieces, their notes and one for the rest");
    byte[] note = disk.content(DIRECTORY.resolve("overflow.note"));
    String text = new String(note, StandardCharsets.UTF_8);
    assertTrue(text.contains("since the last start: 490."), text);
    assertEquals(101, text.lines().count());
    assertTrue(text.lines().toList().getLast().contains("SHA-256"), text);
  }

  @Test
  void theNumberCountsWhatAnEarlierServerKept() throws IOException {
    for (int i = 0; i < 30; i++) {
      write("damage " + i);
      Path kept = quarantine(Long.MAX_VALUE, 10).keep(FILE, "is damaged", "memory");
      assertEquals(i < 10, kept != null);
    }
    assertEquals(21, disk.list(DIRECTORY).size());
  }

  @Test
  void whatStandsInTheWayIsMovedAllTheSameWithoutANoteOfItsOwn() throws IOException {
    Quarantine quarantine = quarantine(Long.MAX_VALUE, 3);
    for (int i = 0; i < 20; i++) {
      write("stranger " + i);
      assertNotNull(quarantine.move(FILE, "is a stranger", null));
      assertEquals(Disk.Kind.MISSING, disk.kind(FILE));
    }
    assertEquals(20 + 3 + 1, disk.list(DIRECTORY).size());
    write("damaged");
    assertNull(quarantine.keep(FILE, "is damaged", null));
  }
}
