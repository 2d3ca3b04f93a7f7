package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * What is asked for.
 *
 * @param server of somebody else's, or null to start servers
 * @param token to come in there, or null for none
 */
record Request(
    @Nullable URI server, @Nullable String token, boolean json, boolean keep, List<Drill> drills) {
  private static final String SERVER = "--server";
  private static final String TOKEN_FILE = "--token-file";
  private static final String JSON = "--json";
  private static final String ONLY = "--only";
  private static final String KEEP = "--keep";

  static CommandSpec spec() {
    CommandSpec spec = CommandSpec.create();
    spec.usageMessage()
        .description(
            "Breaks servers of its own, in a scratch directory, in every way that they promise to"
                + " survive, and says what came of it. Never touches your data directory or a"
                + " server of yours; needs no root.");
    spec.addOption(flag("-h, --help", "Shows this.").usageHelp(true).build());
    spec.addOption(
        value(SERVER, "URL", "Runs only what is harmless, against the server that is there."));
    spec.addOption(
        value(TOKEN_FILE, "FILE", "The file with the token for that server: <data>/token."));
    spec.addOption(
        OptionSpec.builder(ONLY)
            .type(List.class)
            .auxiliaryTypes(String.class)
            .splitRegex(",")
            .paramLabel("NAME")
            .description("Only these tests, separated by commas.")
            .build());
    spec.addOption(flag(JSON, "Prints one JSON object instead of lines.").build());
    spec.addOption(flag(KEEP, "Leaves the scratch directory there, and says where.").build());
    spec.usageMessage()
        .footer(
            "",
            "Tests: " + String.join(", ", Drill.all().stream().map(Drill::name).toList()) + ".",
            "One line for each: what was asserted and measured. Takes less than a minute where the",
            "machine is idle. Exit code 0 if all passed, 1 if one failed or none was run, 2 for a",
            "wrong option, 4 if the server takes another token, 6 if there is none.");
    return spec;
  }

  private static OptionSpec.Builder flag(String names, String description) {
    return OptionSpec.builder(names.split(", ")).type(boolean.class).description(description);
  }

  private static OptionSpec value(String name, String label, String description) {
    return OptionSpec.builder(name)
        .type(String.class)
        .paramLabel(label)
        .description(description)
        .build();
  }

  /**
   * @throws ParameterException for what cannot be used, naming it
   */
  static Request of(ParseResult parsed) {
    @Nullable String server = parsed.matchedOptionValue(SERVER, null);
    @Nullable String tokenFile = parsed.matchedOptionValue(TOKEN_FILE, null);
    if (server == null && tokenFile != null) {
      throw refusal(parsed, TOKEN_FILE + " is of use with " + SERVER + " only");
    }
    return new Request(
        server == null ? null : server(parsed, server),
        tokenFile == null ? null : token(parsed, Path.of(tokenFile)),
        parsed.matchedOptionValue(JSON, false),
        parsed.matchedOptionValue(KEEP, false),
        drills(parsed, parsed.matchedOptionValue(ONLY, List.of())));
  }

  private static URI server(ParseResult parsed, String text) {
    try {
      URI uri = URI.create(text);
      if (uri.getHost() != null && List.of("http", "https").contains(uri.getScheme())) {
        return uri.resolve("/");
      }
    } catch (IllegalArgumentException unreadable) {
      // Told below.
    }
    throw refusal(parsed, SERVER + " " + text + " is no address such as http://127.0.0.1:3000");
  }

  private static String token(ParseResult parsed, Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException unreadable) {
      throw refusal(parsed, TOKEN_FILE + " " + file + " cannot be read: " + unreadable);
    }
  }

  private static List<Drill> drills(ParseResult parsed, List<String> names) {
    List<Drill> all = Drill.all();
    List<String> known = all.stream().map(Drill::name).toList();
    for (String name : names) {
      if (!known.contains(name)) {
        throw refusal(
            parsed,
            ONLY + ": there is no test " + name + "; there are " + String.join(", ", known));
      }
    }
    return all.stream().filter(drill -> names.isEmpty() || names.contains(drill.name())).toList();
  }

  private static ParameterException refusal(ParseResult parsed, String message) {
    return new ParameterException(parsed.commandSpec().commandLine(), message);
  }
}
