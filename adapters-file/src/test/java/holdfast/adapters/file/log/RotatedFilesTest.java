package holdfast.adapters.file.log;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import holdfast.adapters.file.ForwardingDisk;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.SampleTasks;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever happens while older log files are compressed, each line stays, once. */
@Timeout(120)
class RotatedFilesTest {
  private static final Path ROOT = Path.of("/logs");
  private static final int LINES_A_FILE = 5;

  private final SimulatedDisk disk = new SimulatedDisk(ROOT);

  private static RotatedFiles rotated(Disk on) {
    return new RotatedFiles(on, ROOT, Category.TASK);
  }

  private static Path path(String name) {
    return ROOT.resolve(name);
  }

  /** All are of the same length. */
  private static byte[] line(int number) {
    return LogLine.encode(
        new Entry(SampleTasks.NOON, Category.TASK, "happened", Map.of()), 1_000L + number);
  }

  private void write(int from, int to, boolean compress) throws IOException {
    RotatedFiles older = rotated(disk);
    var file =
        new LogFile(
            disk,
            path("task.jsonl"),
            (long) LINES_A_FILE * line(0).length,
            older,
            wanted -> {
              if (compress) {
                compress(wanted);
              }
            });
    file.prepare();
    for (int number = from; number < to; number++) {
      file.add(1_000L + number, line(number));
      assertEquals(0, file.write());
    }
    file.close();
  }

  private static void compress(RotatedFiles files) {
    try {
      files.compress(() -> false);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The numbers of all lines, oldest first, as whoever reads the files finds them. */
  private static List<Integer> numbers(SimulatedDisk on) throws IOException {
    var files = new TreeMap<Long, byte[]>();
    for (String name : names(on)) {
      String[] parts = name.split("\\.", -1);
      if (parts[0].equals("task") && !name.endsWith(Disk.TEMPORARY_SUFFIX)) {
        byte[] lines = isPacked(name) ? unpacked(on.content(path(name))) : on.content(path(name));
        long first = parts[1].equals("jsonl") ? Long.MAX_VALUE : Long.parseLong(parts[1]);
        byte[] other = files.put(first, lines);
        if (other != null) {
          assertArrayEquals(other, lines, "both are there and differ: " + name);
        }
      }
    }
    var numbers = new ArrayList<Integer>();
    files.forEach(
        (_, lines) ->
            new Lines(lines, 0, lines.length)
                .forEach(
                    (bytes, from, to) -> {
                      var line = LogLine.decode(bytes, from, to, Category.TASK);
                      numbers.add(line == null ? -1 : (int) line.number() - 1_000);
                    }));
    return numbers;
  }

  private static byte[] unpacked(byte[] compressed) throws IOException {
    try (var in = new ZstdInputStreamNoFinalizer(new ByteArrayInputStream(compressed))) {
      return in.readAllBytes();
    }
  }

  private static List<Integer> from(int first, int end) {
    return IntStream.range(first, end).boxed().toList();
  }

  private static List<String> names(SimulatedDisk on) {
    return on.files().stream()
        .map(file -> String.valueOf(file.getFileName()))
        .filter(name -> !name.equals("task.removed"))
        .toList();
  }

  private static boolean isPacked(String name) {
    return name.endsWith(".jsonl.zst");
  }

  /** Compressions use one name for what is unfinished, one after the other. */
  @Test
  void aFileThatGoesAndIsThereAgainWhileItIsLookedAtIsNoFailure() throws IOException {
    write(0, 3 * LINES_A_FILE, false);
    Path unfinished = path("task.jsonl.zst" + Disk.TEMPORARY_SUFFIX);
    try (DiskFile file = disk.open(unfinished, Disk.Access.CREATE)) {
      file.write(ByteBuffer.wrap(line(0)), 0);
    }
    long all = rotated(disk).bytes();
    Disk changing =
        new ForwardingDisk(disk) {
          @Override
          public DiskFile open(Path file, Access access) throws IOException {
            if (file.equals(unfinished)) {
              throw new NoSuchFileException(file.toString());
            }
            return super.open(file, access);
          }
        };
    assertEquals(all - line(0).length, rotated(changing).bytes());
  }

  @Test
  void aFileIsNamedByItsFirstLineAndKeepsThatNameWhenItIsCompressed() throws IOException {
    write(0, 12, true);
    assertEquals(List.of("task.1000.jsonl.zst", "task.1005.jsonl.zst", "task.jsonl"), names(disk));
    write(12, 17, false);
    assertEquals(
        List.of("task.1000.jsonl.zst", "task.1005.jsonl.zst", "task.1010.jsonl", "task.jsonl"),
        names(disk));
    assertEquals(List.of(1_000L, 1_005L, 1_010L), rotated(disk).firsts());
    assertEquals(from(0, 17), numbers(disk));
  }

  @Test
  void theOldestIsRemovedAndThatIsNotForgotten() throws IOException {
    write(0, 17, true);
    RotatedFiles older = rotated(disk);
    assertEquals(0, older.removedBelow());
    assertTrue(older.removeOldest());
    assertEquals(from(5, 17), numbers(disk));
    assertEquals(1_005, older.removedBelow());
    assertEquals(1_005, rotated(disk).removedBelow());
    assertTrue(older.removeOldest());
    assertTrue(older.removeOldest());
    assertFalse(older.removeOldest());
    assertEquals(1_011, rotated(disk).removedBelow());
    disk.tamper(path("task.removed"), _ -> "nonsense\n".getBytes(StandardCharsets.US_ASCII));
    assertEquals(0, rotated(disk).removedBelow());
  }

  @Test
  void aKillBeforeAnyStepLosesNoLineAndTheNextStartFinishes() throws IOException {
    write(0, 11, false);
    var copies = new ArrayList<SimulatedDisk>();
    disk.onOperation(() -> copies.add(disk.afterKill()));
    compress(rotated(disk));
    write(11, 17, true);
    assertTrue(copies.size() > 20, "only " + copies.size() + " steps");
    for (SimulatedDisk killed : copies) {
      List<Integer> before = numbers(killed);
      assertEquals(from(0, before.size()), before);
      assertTrue(before.size() >= 11, "lost: " + before);
      RotatedFiles again = rotated(killed);
      again.tidy();
      compress(again);
      assertEquals(before, numbers(killed));
      assertTrue(
          names(killed).stream().allMatch(name -> name.equals("task.jsonl") || isPacked(name)),
          "left: " + names(killed));
    }
  }

  @Test
  void aPowerCutBeforeAnyStepOfTheCompressionLosesNoLineThatWasDurable() throws IOException {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("RotatedFilesTest seed " + seed);
    var random = new Random(seed);
    write(0, 13, false);
    for (Path file : disk.files()) {
      try (DiskFile opened = disk.open(file, Disk.Access.WRITE)) {
        opened.force();
      }
    }
    disk.forceDirectory(ROOT);
    var copies = new ArrayList<SimulatedDisk>();
    disk.onOperation(() -> copies.add(disk.afterKill()));
    compress(rotated(disk));
    copies.add(disk.afterKill());
    for (SimulatedDisk copy : copies) {
      for (int i = 0; i < 50; i++) {
        Fate[] fates = Fate.values();
        SimulatedDisk cut = copy.afterPowerCut(() -> fates[random.nextInt(fates.length)], random);
        RotatedFiles again = rotated(cut);
        again.tidy();
        compress(again);
        assertEquals(from(0, 13), numbers(cut), () -> "seed " + seed + ", " + names(cut));
      }
    }
  }

  /** The rotation itself need not be durable when the compression begins. */
  @Test
  void aPowerCutShowsNoLineTwice() throws IOException {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("RotatedFilesTest seed " + seed);
    var random = new Random(seed);
    write(0, 5, false);
    try (DiskFile opened = disk.open(path("task.jsonl"), Disk.Access.WRITE)) {
      opened.force();
    }
    disk.forceDirectory(ROOT);
    write(5, 6, false);
    var copies = new ArrayList<SimulatedDisk>();
    disk.onOperation(() -> copies.add(disk.afterKill()));
    compress(rotated(disk));
    copies.add(disk.afterKill());
    for (SimulatedDisk copy : copies) {
      for (int i = 0; i < 100; i++) {
        Fate[] fates = Fate.values();
        SimulatedDisk cut = copy.afterPowerCut(() -> fates[random.nextInt(fates.length)], random);
        List<Integer> numbers = numbers(cut).stream().filter(number -> number >= 0).toList();
        assertEquals(
            numbers.stream().distinct().toList(), numbers, () -> "seed " + seed + names(cut));
        assertTrue(numbers.containsAll(from(0, 5)), () -> "seed " + seed + ", " + names(cut));
      }
    }
  }

  @Test
  void whatIsRemovedWhileItIsCompressedDoesNotComeBack() throws IOException {
    for (int question = 1; question <= 4; question++) {
      int asking = question;
      var fresh = new RotatedFilesTest();
      fresh.write(0, 11, false);
      RotatedFiles older = rotated(fresh.disk);
      int[] asked = {0};
      older.compress(
          () -> {
            asked[0]++;
            if (asked[0] == asking) {
              remove(older);
              remove(older);
            }
            return false;
          });
      assertEquals(List.of("task.jsonl"), names(fresh.disk), "at question " + question);
    }
  }

  private static void remove(RotatedFiles older) {
    try {
      older.removeOldest();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aDamagedCompressedFileIsMadeAgainWhileThePlainOneIsThereAndElseLeftAsItIs()
      throws IOException {
    write(0, 11, false);
    byte[] plain = disk.content(path("task.1005.jsonl"));
    compress(rotated(disk));
    int length = disk.content(path("task.1005.jsonl.zst")).length;
    for (int at = 0; at < length; at += 3) {
      putBack("task.1005.jsonl", plain);
      damage(path("task.1005.jsonl.zst"), at);
      compress(rotated(disk));
      assertArrayEquals(plain, unpacked(disk.content(path("task.1005.jsonl.zst"))));
      assertFalse(disk.files().contains(path("task.1005.jsonl")), "at " + at);
    }
    damage(path("task.1000.jsonl.zst"), length / 2);
    byte[] damaged = disk.content(path("task.1000.jsonl.zst"));
    compress(rotated(disk));
    assertArrayEquals(damaged, disk.content(path("task.1000.jsonl.zst")));
  }

  private void putBack(String name, byte[] content) throws IOException {
    try (DiskFile again = disk.open(path(name), Disk.Access.CREATE)) {
      again.write(ByteBuffer.wrap(content), 0);
    }
  }

  private void damage(Path file, int at) {
    disk.tamper(
        file,
        bytes -> {
          bytes[at] ^= 4;
          return bytes;
        });
  }

  @Test
  void aCompressedFileThatIsShorterThanThePlainOneIsMadeAgain() throws IOException {
    write(0, 11, false);
    byte[] plain = disk.content(path("task.1005.jsonl"));
    disk.tamper(
        path("task.1005.jsonl"), bytes -> java.util.Arrays.copyOf(bytes, bytes.length / 5 * 2));
    compress(rotated(disk));
    putBack("task.1005.jsonl", plain);
    compress(rotated(disk));
    assertArrayEquals(plain, unpacked(disk.content(path("task.1005.jsonl.zst"))));
  }

  @Test
  void aCompressedFileOfOtherLinesIsNotTouchedNorIsThePlainOne() throws IOException {
    write(0, 11, false);
    byte[] plain = disk.content(path("task.1005.jsonl"));
    compress(rotated(disk));
    putBack("task.1005.jsonl", line(7_777));
    compress(rotated(disk));
    assertArrayEquals(line(7_777), disk.content(path("task.1005.jsonl")));
    assertArrayEquals(plain, unpacked(disk.content(path("task.1005.jsonl.zst"))));
  }

  @Test
  void aFileThatCannotBeWrittenStaysPlainAndIsTriedAgain() throws IOException {
    write(0, 7, false);
    disk.failForce(disk.forces());
    RotatedFiles older = rotated(disk);
    assertThrows(IOException.class, () -> older.compress(() -> false));
    assertEquals(List.of("task.1000.jsonl", "task.jsonl"), names(disk));
    compress(older);
    assertEquals(List.of("task.1000.jsonl.zst", "task.jsonl"), names(disk));
    assertEquals(from(0, 7), numbers(disk));
  }

  @Test
  void directoriesInTheWayAreGivenAnotherNameAndNoLineIsLost() throws IOException {
    disk.createDirectory(path("task.jsonl"));
    disk.createDirectory(path("task.1000.jsonl"));
    disk.createDirectory(path("task.1005.jsonl.zst"));
    disk.createDirectory(path("task.jsonl.zst.tmp"));
    write(0, 23, true);
    assertEquals(from(0, 23), numbers(disk));
    for (String name :
        List.of("task.jsonl", "task.1000.jsonl", "task.1005.jsonl.zst", "task.jsonl.zst.tmp")) {
      assertEquals(Disk.Kind.DIRECTORY, disk.kind(path(name + ".aside-1")), name);
    }
  }
}
