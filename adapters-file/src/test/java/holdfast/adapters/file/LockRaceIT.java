package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes that want one directory at the same moment: one gets it, whatever happens. */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class LockRaceIT {
  private static final int SECONDS_MAX = 60;
  private static final int CONTENDERS = 3;

  @TempDir private Path scratch;
  private final List<Contender> started = new ArrayList<>();

  /** A process, and what it says. */
  private record Contender(Process process, BufferedReader said) {
    void tell() throws IOException {
      OutputStream input = process.getOutputStream();
      input.write('\n');
      input.flush();
    }

    String hears() throws IOException {
      return String.valueOf(said.readLine());
    }

    String pid() {
      return "pid " + process.pid() + " on ";
    }

    int exitCode() throws InterruptedException {
      assertTrue(process.waitFor(SECONDS_MAX, TimeUnit.SECONDS), "still running");
      return process.exitValue();
    }

    void kill() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }
  }

  @AfterEach
  void endAll() throws InterruptedException {
    for (Contender contender : started) {
      contender.kill();
    }
  }

  private Path data() {
    return scratch.resolve("data");
  }

  private Path lock() {
    return data().resolve("state/LOCK");
  }

  /** Processes that wait for the word. */
  private List<Contender> contenders(int count) throws IOException {
    var contenders = new ArrayList<Contender>();
    for (int i = 0; i < count; i++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-XX:+UseSerialGC",
                  "-XX:TieredStopAtLevel=1",
                  "-Xshare:auto",
                  "-cp",
                  System.getProperty("java.class.path"),
                  LockContender.class.getName(),
                  data().toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      contenders.add(new Contender(process, process.inputReader()));
    }
    started.addAll(contenders);
    for (Contender contender : contenders) {
      assertEquals("ready", contender.hears());
    }
    return contenders;
  }

  private Contender holder() throws IOException {
    Contender holder = contenders(1).getFirst();
    holder.tell();
    assertEquals("won", holder.hears());
    return holder;
  }

  /**
   * Lets all of them have the word's answer: those that were refused have ended, with 73, naming
   * one of those who had the lock.
   *
   * @return those that got it
   */
  private static List<Contender> winners(List<Contender> contenders, List<Contender> holders)
      throws Exception {
    var winners = new ArrayList<Contender>();
    var refusals = new ArrayList<String>();
    for (Contender contender : contenders) {
      String answer = contender.hears();
      if (answer.equals("won")) {
        winners.add(contender);
      } else {
        refusals.add(answer);
        assertEquals(FileStorageException.EXIT_REFUSED, contender.exitCode(), answer);
      }
    }
    var named = new ArrayList<>(winners);
    named.addAll(holders);
    for (String refusal : refusals) {
      assertTrue(
          named.stream().anyMatch(holder -> refusal.contains(holder.pid())),
          () -> refusal + " names none of " + named.stream().map(Contender::pid).toList());
    }
    return winners;
  }

  @Test
  void ofManyAtOnceOneGetsTheDirectory() throws Exception {
    race(9);
  }

  @Test
  @Tag("long")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void ofManyAtOnceOneGetsTheDirectoryHundredsOfTimes() throws Exception {
    race(300);
  }

  /** Each round begins without a holder, with one that is killed, or with one that loses LOCK. */
  private void race(int rounds) throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("LockRaceIT seed " + seed);
    var random = new Random(seed);
    int won = 0;
    for (int round = 0; round < rounds; round++) {
      won +=
          switch (round % 3) {
            case 0 -> free();
            case 1 -> killed(random);
            default -> lockRemoved(random);
          };
      endAll();
      started.clear();
    }
    System.out.println(
        "LockRaceIT " + rounds + " rounds of " + CONTENDERS + ", " + won + " contenders won");
  }

  private int free() throws Exception {
    List<Contender> contenders = contenders(CONTENDERS);
    for (Contender contender : contenders) {
      contender.tell();
    }
    List<Contender> winners = winners(contenders, List.of());
    assertEquals(1, winners.size(), "winners");
    return 1;
  }

  private int killed(Random random) throws Exception {
    Contender holder = holder();
    List<Contender> contenders = contenders(CONTENDERS);
    int before = random.nextInt(CONTENDERS);
    for (int i = 0; i < CONTENDERS; i++) {
      if (i == before) {
        holder.process().destroyForcibly();
      }
      contenders.get(i).tell();
    }
    List<Contender> winners = winners(contenders, List.of(holder));
    assertTrue(winners.size() <= 1, winners.size() + " winners");
    if (winners.isEmpty()) {
      // All of them came before the kernel had taken the lock from the killed one.
      holder();
    }
    return winners.size();
  }

  private int lockRemoved(Random random) throws Exception {
    Contender holder = holder();
    List<Contender> contenders = contenders(CONTENDERS);
    int before = random.nextInt(CONTENDERS);
    for (int i = 0; i < CONTENDERS; i++) {
      if (i == before) {
        Files.delete(lock());
      }
      contenders.get(i).tell();
    }
    List<Contender> winners = winners(contenders, List.of(holder));
    assertTrue(winners.size() <= 1, winners.size() + " winners");
    if (winners.isEmpty()) {
      assertTrue(holder.process().isAlive(), "the holder has taken the lock again");
    } else {
      assertEquals(FileStorageException.EXIT_JOURNAL_FAILED, holder.exitCode(), "ends by itself");
      assertTrue(holder.hears().contains(winners.getFirst().pid()), "names who was faster");
    }
    Contender last = winners.isEmpty() ? holder : winners.getFirst();
    assertTrue(Files.readString(lock()).startsWith(last.pid()), "LOCK names " + last.pid());
    return winners.size();
  }

  @Test
  void thoseThatAreRefusedChangeNothing() throws Exception {
    Contender holder = holder();
    Files.writeString(data().resolve("state/journal/left.tmp"), "somebody is writing this");
    Map<String, String> before = tree();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_MAX);
    // The holder makes the next segment ready.
    while (!before.containsKey("state/recovery/journal/ballast") || !before.equals(tree())) {
      assertTrue(System.nanoTime() < deadline, "the holder writes on and on: " + before.keySet());
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      before = tree();
    }
    List<Contender> contenders = contenders(CONTENDERS);
    for (Contender contender : contenders) {
      contender.tell();
    }
    assertEquals(List.of(), winners(contenders, List.of(holder)));
    assertEquals(before, tree());
  }

  /** What every file holds, and when it was written; of LOCK only that it is there. */
  private Map<String, String> tree() throws IOException {
    var tree = new TreeMap<String, String>();
    try (Stream<Path> walk = Files.walk(data())) {
      for (Path path : walk.toList()) {
        String name = data().relativize(path).toString();
        tree.put(name, path.equals(lock()) ? "" : hash(path));
      }
    }
    return tree;
  }

  private static String hash(Path path) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(Files.getLastModifiedTime(path).toString().getBytes(StandardCharsets.US_ASCII));
      if (Files.isRegularFile(path)) {
        digest.update(Files.readAllBytes(path));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchFileException e) {
      return "gone";
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
