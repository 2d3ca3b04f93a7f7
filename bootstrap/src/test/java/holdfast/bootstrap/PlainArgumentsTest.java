package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Plain arguments mean what they mean to the library, or are left to it. */
class PlainArgumentsTest {
  private static final List<String> WORDS =
      List.of(
          "--port",
          "--port=8080",
          "--data-dir",
          "--data-dir=/var/x=y",
          "--allow-network-fs",
          "--allow-network-fs=false",
          "--accept-loss",
          "--host",
          "--token=",
          "--no-such-option",
          "--help",
          "-h",
          "--",
          "-p",
          "true",
          "false",
          "7",
          "/tmp/a b",
          "a=b",
          "${port}",
          "@file",
          "\"quoted\"",
          "");

  /** What the library makes of them; empty if it refuses them or is asked for help. */
  private static Optional<Map<String, String>> library(List<String> arguments) {
    var all = new ArrayList<String>(List.of("serve"));
    all.addAll(arguments);
    try {
      CommandLine.ParseResult parsed =
          Main.commandLine().parseArgs(all.toArray(String[]::new)).subcommand();
      return parsed.isUsageHelpRequested() ? Optional.empty() : Optional.of(Main.options(parsed));
    } catch (CommandLine.ParameterException refused) {
      return Optional.empty();
    }
  }

  @Test
  void whateverTheArgumentsTheLibraryWouldHaveFoundTheSame() {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("PlainArgumentsTest seed " + seed);
    var random = new Random(seed);
    int plain = 0;
    for (int i = 0; i < 2_000; i++) {
      var arguments = new ArrayList<String>();
      for (int length = random.nextInt(5); length > 0; length--) {
        arguments.add(WORDS.get(random.nextInt(WORDS.size())));
      }
      Optional<Map<String, String>> found = PlainArguments.parse(arguments);
      if (found.isPresent()) {
        plain++;
        assertEquals(library(arguments), found, () -> "seed " + seed + ": " + arguments);
      }
    }
    assertTrue(plain > 100, "only " + plain + " were plain");
  }

  @Test
  void whatIsUsualIsPlain() {
    assertEquals(Optional.of(Map.of()), PlainArguments.parse(List.of()));
    assertEquals(
        Optional.of(Map.of("data-dir", "/d", "port", "0", "rebuild-mirror", "true")),
        PlainArguments.parse(List.of("--data-dir", "/d", "--rebuild-mirror", "--port=0")));
  }
}
