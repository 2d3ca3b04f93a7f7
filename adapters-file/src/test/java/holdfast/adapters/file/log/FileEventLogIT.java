package holdfast.adapters.file.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.json.TestJson;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.SampleTasks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FileEventLogIT {
  @TempDir private Path directory;

  private FileEventLog open(long bytesMax, Duration flushInterval) throws IOException {
    return new FileEventLog(
        new NioDisk(),
        directory,
        new FileEventLog.Bounds(bytesMax, 3, Duration.ofDays(1), 1L << 30, flushInterval),
        InstantSource.fixed(SampleTasks.NOON));
  }

  private static Entry entry(Category category, int number) {
    return new Entry(SampleTasks.NOON, category, "happened", Map.of("number", number));
  }

  private Path file(String name) {
    return directory.resolve("task").resolve(name);
  }

  @Test
  void rotatesBetweenLinesAndKeepsTheYoungest() throws IOException {
    try (FileEventLog log = open(1_000, Duration.ofHours(1))) {
      for (int i = 0; i < 100; i++) {
        log.append(entry(Category.TASK, i));
      }
    }
    List<Path> files = files();
    assertEquals(3, files.size());
    List<String> lines = new ArrayList<>();
    for (Path file : files) {
      List<String> some = linesOf(file);
      assertTrue(some.stream().mapToInt(line -> line.length() + 1).sum() <= 1_000);
      lines.addAll(some);
    }
    for (int i = 0; i < lines.size(); i++) {
      var line = TestJson.object(lines.get(i).getBytes(StandardCharsets.UTF_8));
      assertEquals(100 - lines.size() + i, line.getInt("number"));
    }
  }

  /** All files of the category, oldest first, each once. */
  private List<Path> files() throws IOException {
    var byFirst = new TreeMap<Long, Path>();
    for (String name : new NioDisk().list(directory.resolve("task"))) {
      String[] parts = name.split("\\.", -1);
      if (parts[1].equals("jsonl")) {
        byFirst.put(Long.MAX_VALUE, file(name));
      } else if (!parts[1].equals("removed")) {
        byFirst.put(Long.parseLong(parts[1]), file(name));
      }
    }
    return List.copyOf(byFirst.values());
  }

  /** Of an older file it depends on the moment of the end whether it is compressed. */
  private static List<String> linesOf(Path file) throws IOException {
    if (!file.toString().endsWith(".zst")) {
      return Files.readAllLines(file);
    }
    try (var in = new ZstdInputStreamNoFinalizer(Files.newInputStream(file))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  @Test
  void whatIsCompressedIsShownByTheCommandThatEverybodyHas() throws Exception {
    try (FileEventLog log = open(1_000, Duration.ofMillis(1))) {
      for (int i = 0; i < 12; i++) {
        log.append(entry(Category.TASK, i));
      }
      while (files().isEmpty() || !files().getFirst().toString().endsWith(".zst")) {
        Thread.onSpinWait();
      }
    }
    Process zstd;
    Path oldest = files().getFirst();
    try {
      zstd = new ProcessBuilder("zstd", "-dc", oldest.toString()).redirectErrorStream(true).start();
    } catch (IOException absent) {
      System.out.println("skipped: zstd is not installed: " + absent.getMessage());
      Assumptions.abort("zstd is not installed");
      return;
    }
    String shown = new String(zstd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, zstd.waitFor(), shown);
    assertEquals(linesOf(oldest), shown.lines().toList());
    assertTrue(shown.contains("\"number\":0"), shown);
  }

  @Test
  void damagedAndForeignFilesFailNeitherAStartNorALine() throws IOException {
    Files.createDirectories(directory.resolve("task/task.jsonl/inside"));
    Files.createDirectories(directory.resolve("task/task.2.jsonl.zst/inside"));
    Files.createDirectories(directory.resolve("task/task.removed/inside"));
    Files.writeString(file("task.1.jsonl.zst"), "no zstd");
    Files.writeString(file("task.1.jsonl"), "no line");
    Files.createDirectories(directory.resolve("error"));
    Files.createSymbolicLink(directory.resolve("error/error.jsonl"), file("task.1.jsonl"));
    try (FileEventLog log = open(1_000, Duration.ofHours(1))) {
      for (int i = 0; i < 20; i++) {
        log.append(entry(Category.TASK, i));
        log.append(entry(Category.ERROR, i));
      }
    }
    assertTrue(linesOf(file("task.jsonl")).getLast().contains("\"number\":19"));
    assertTrue(Files.readString(directory.resolve("error/error.jsonl")).contains("\"number\":19"));
  }

  @Test
  void errorIsWrittenAtOnce() throws IOException {
    try (FileEventLog log = open(1_000, Duration.ofHours(1))) {
      log.append(entry(Category.ERROR, 1));
      Path file = directory.resolve("error/error.jsonl");
      while (!Files.exists(file) || Files.size(file) == 0) {
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void halfALineLeftByACrashIsEndedFirst() throws IOException {
    Files.createDirectories(directory.resolve("task"));
    Files.writeString(file("task.jsonl"), "{\"time\":");
    try (FileEventLog log = open(1_000, Duration.ofHours(1))) {
      log.append(entry(Category.TASK, 7));
    }
    List<String> lines = Files.readAllLines(file("task.jsonl"));
    assertEquals(2, lines.size());
    assertEquals(
        7, TestJson.object(lines.get(1).getBytes(StandardCharsets.UTF_8)).getInt("number"));
  }

  @Test
  void whatCannotBeKeptIsCountedInTheLog() throws IOException {
    int appended = 100_000;
    try (FileEventLog log = open(1L << 30, Duration.ofHours(1))) {
      for (int i = 0; i < appended; i++) {
        log.append(entry(Category.TASK, i));
      }
    }
    long lines = 0;
    long lost = 0;
    for (String text : Files.readAllLines(file("task.jsonl"))) {
      var line = TestJson.object(text.getBytes(StandardCharsets.UTF_8));
      if (line.getString("type").equals("gap")) {
        lost += line.getInt("lost");
      } else {
        lines++;
      }
    }
    assertEquals(appended, lines + lost);
    assertTrue(lost > 0, "the queue was never full");
  }
}
