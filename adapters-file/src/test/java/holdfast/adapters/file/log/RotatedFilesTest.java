package holdfast.adapters.file.log;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever happens while older log files are compressed, each line stays, once. */
@Timeout(120)
class RotatedFilesTest {
  private static final Path ROOT = Path.of("/logs");
  private static final int FILES = 4;
  private static final int LINES_A_FILE = 5;

  private final SimulatedDisk disk = new SimulatedDisk(ROOT);

  private static RotatedFiles rotated(Disk on) {
    return new RotatedFiles(on, ROOT, "task", FILES);
  }

  private static Path path(String name) {
    return ROOT.resolve(name);
  }

  private static byte[] line(int number) {
    return "{\"number\":%04d}\n".formatted(number).getBytes(StandardCharsets.UTF_8);
  }

  /** Writes lines one by one and compresses after each rotation, if at all. */
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
      file.add(line(number));
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

  /** The numbers of all lines, oldest first. */
  private static List<Integer> numbers(SimulatedDisk on) throws IOException {
    var numbers = new ArrayList<Integer>();
    for (int age = 20; age >= 0; age--) {
      String name = age == 0 ? "task.jsonl" : "task." + age + ".jsonl";
      Path plain = path(name);
      Path compressed = path(name + ".zst");
      byte[] lines = on.files().contains(plain) ? on.content(plain) : new byte[0];
      if (on.files().contains(compressed)) {
        byte[] unpacked = unpacked(on.content(compressed));
        if (lines.length > 0) {
          assertArrayEquals(lines, unpacked, "both are there and differ");
        }
        lines = unpacked;
      }
      new String(lines, StandardCharsets.UTF_8)
          .lines()
          .forEach(line -> numbers.add(Integer.parseInt(line.substring(10, 14))));
    }
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
    return on.files().stream().map(file -> String.valueOf(file.getFileName())).toList();
  }

  @Test
  void olderFilesAreCompressedAndCountAsOneEach() throws IOException {
    write(0, 48, true);
    assertEquals(
        List.of("task.1.jsonl.zst", "task.2.jsonl.zst", "task.3.jsonl.zst", "task.jsonl"),
        names(disk));
    assertEquals(from(30, 48), numbers(disk));
  }

  @Test
  void plainAndCompressedOnesAgeTogether() throws IOException {
    write(0, 12, true);
    write(12, 28, false);
    assertEquals(
        List.of("task.1.jsonl", "task.2.jsonl", "task.3.jsonl", "task.jsonl"), names(disk));
    compress(rotated(disk));
    assertEquals(from(10, 28), numbers(disk));
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

  private static boolean isPacked(String name) {
    return name.endsWith(".jsonl.zst");
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

  @Test
  void whileAFileIsCompressedItMayGrowOlderOrTooOld() throws IOException {
    for (int rotations = 1; rotations <= FILES; rotations++) {
      for (int question = 1; question <= 5; question++) {
        check(rotations, question);
      }
    }
  }

  /** Rotates when it is asked for the n-th time whether to stop, which is in the midst of work. */
  private static void check(int rotations, int question) throws IOException {
    var fresh = new RotatedFilesTest();
    fresh.write(0, 11, false);
    RotatedFiles older = rotated(fresh.disk);
    int[] asked = {0};
    older.compress(
        () -> {
          asked[0]++;
          for (int i = 0; asked[0] == question && i < rotations; i++) {
            rotate(fresh.disk, older, 100 + i);
          }
          return false;
        });
    compress(older);
    var files = new ArrayList<>(List.of(from(0, 5), from(5, 10), List.of(10)));
    for (int i = 1; i < rotations; i++) {
      files.add(List.of(100 + i));
    }
    List<List<Integer>> kept = files.subList(Math.max(0, files.size() - FILES + 1), files.size());
    assertEquals(
        kept.stream().flatMap(List::stream).toList(),
        numbers(fresh.disk),
        () -> rotations + " rotations at question " + question);
    assertTrue(names(fresh.disk).stream().allMatch(RotatedFilesTest::isPacked));
  }

  private static void rotate(SimulatedDisk on, RotatedFiles older, int number) {
    try {
      if (on.kind(path("task.jsonl")) == Disk.Kind.MISSING) {
        try (DiskFile file = on.open(path("task.jsonl"), Disk.Access.CREATE)) {
          file.write(ByteBuffer.wrap(line(number)), 0);
        }
      }
      older.add(path("task.jsonl"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aDamagedCompressedFileIsMadeAgainWhileThePlainOneIsThereAndElseLeftAsItIs()
      throws IOException {
    write(0, 11, false);
    byte[] plain = disk.content(path("task.1.jsonl"));
    compress(rotated(disk));
    try (DiskFile again = disk.open(path("task.1.jsonl"), Disk.Access.CREATE)) {
      again.write(ByteBuffer.wrap(plain), 0);
    }
    damage(path("task.1.jsonl.zst"));
    damage(path("task.2.jsonl.zst"));
    byte[] damaged = disk.content(path("task.2.jsonl.zst"));
    compress(rotated(disk));
    assertArrayEquals(plain, unpacked(disk.content(path("task.1.jsonl.zst"))));
    assertFalse(disk.files().contains(path("task.1.jsonl")));
    assertArrayEquals(damaged, disk.content(path("task.2.jsonl.zst")));
    write(11, 30, true);
    assertEquals(FILES, disk.files().size());
  }

  private void damage(Path file) {
    disk.tamper(
        file,
        bytes -> {
          bytes[bytes.length / 2] ^= 4;
          return bytes;
        });
  }

  @Test
  void aCompressedFileOfOtherLinesIsNotTouchedNorIsThePlainOne() throws IOException {
    write(0, 11, false);
    byte[] plain = disk.content(path("task.1.jsonl"));
    compress(rotated(disk));
    try (DiskFile stranger = disk.open(path("task.1.jsonl"), Disk.Access.CREATE)) {
      stranger.write(ByteBuffer.wrap(line(9_999)), 0);
    }
    compress(rotated(disk));
    assertArrayEquals(line(9_999), disk.content(path("task.1.jsonl")));
    assertArrayEquals(plain, unpacked(disk.content(path("task.1.jsonl.zst"))));
  }

  @Test
  void aFileThatCannotBeWrittenStaysPlainAndIsTriedAgain() throws IOException {
    write(0, 7, false);
    disk.failForce(disk.forces());
    RotatedFiles older = rotated(disk);
    assertThrows(IOException.class, () -> older.compress(() -> false));
    assertEquals(List.of("task.1.jsonl", "task.jsonl"), names(disk));
    compress(older);
    assertEquals(List.of("task.1.jsonl.zst", "task.jsonl"), names(disk));
    assertEquals(from(0, 7), numbers(disk));
  }

  @Test
  void directoriesInTheWayAreGivenAnotherNameAndNoLineIsLost() throws IOException {
    disk.createDirectory(path("task.jsonl"));
    disk.createDirectory(path("task.1.jsonl"));
    disk.createDirectory(path("task.3.jsonl.zst"));
    disk.createDirectory(path("task.7.jsonl"));
    write(0, 23, true);
    assertEquals(from(5, 23), numbers(disk));
    assertEquals(Disk.Kind.DIRECTORY, disk.kind(path("task.jsonl.aside-1")));
    assertEquals(Disk.Kind.DIRECTORY, disk.kind(path("task.7.jsonl.aside-1")));
  }

  @Test
  void fewerFilesThanBeforeAreKeptFromTheNextStartOn() throws IOException {
    write(0, 23, true);
    new RotatedFiles(disk, ROOT, "task", 2).tidy();
    assertEquals(List.of("task.1.jsonl.zst", "task.jsonl"), names(disk));
  }
}
