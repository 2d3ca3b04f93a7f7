package holdfast.bootstrap;

import holdfast.adapters.file.FileStorageException;
import holdfast.adapters.file.OfflineRestoration;
import holdfast.bootstrap.resilience.Resilience;
import holdfast.domain.restoration.Restoration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/**
 * The entry point: {@code serve}, {@code verify}, {@code audit verify}, {@code restore}, {@code
 * recover}, {@code backup}, {@code resilience}, {@code config}, {@code version}.
 */
public final class Main {
  private static final String DRY_RUN = "--dry-run";
  private static final String RUNNING = "--running";
  private static final String JSON = "--json";

  private Main() {}

  public static void main(String[] args) {
    // What a library has to say is an event or an answer of ours, or nothing that a user needs.
    Logger.getLogger("").setLevel(Level.OFF);
    System.exit(run(args));
  }

  /** Runs one command to its end and returns its exit code. */
  static int run(String[] args) {
    if (args.length > 0 && args[0].equals("serve")) {
      Map<String, String> options =
          PlainArguments.parse(Arrays.asList(args).subList(1, args.length)).orElse(null);
      if (options != null) {
        return refusable(() -> new Server(options, System.getenv()).run());
      }
    }
    return commandLine().execute(args);
  }

  /** The whole command line, for whatever is not plain. */
  static CommandLine commandLine() {
    CommandSpec root = CommandSpec.create().name("holdfast").mixinStandardHelpOptions(false);
    root.usageMessage()
        .description("A durable task server: nothing acknowledged is lost, tasks outlive it.");
    root.addSubcommand("serve", serve());
    root.addSubcommand("config", config());
    root.addSubcommand("verify", verify());
    root.addSubcommand("audit", audit());
    root.addSubcommand("restore", restore());
    root.addSubcommand("recover", recover());
    root.addSubcommand("backup", backup());
    root.addSubcommand("resilience", Resilience.spec());
    root.addSubcommand("version", version());
    root.addSubcommand("rehearse", rehearse());
    root.addOption(
        OptionSpec.builder("-h", "--help").usageHelp(true).description("Shows this.").build());
    var commandLine = new CommandLine(root);
    commandLine.setExpandAtFiles(false);
    commandLine.setCaseInsensitiveEnumValuesAllowed(true);
    commandLine.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
    commandLine.setParameterExceptionHandler(
        (refused, _) -> {
          boolean server = refused.getCommandLine().getCommandName().equals("serve");
          System.err.println("holdfast: " + refused.getMessage());
          return server ? ExitCode.BAD_CONFIGURATION : ExitCode.USAGE;
        });
    commandLine.setExecutionStrategy(Main::execute);
    return commandLine;
  }

  private static int execute(ParseResult parsed) throws CommandLine.ExecutionException {
    Integer helped = CommandLine.executeHelpRequest(parsed);
    if (helped != null) {
      return helped;
    }
    if (!parsed.hasSubcommand()) {
      CommandLine.usage(parsed.commandSpec().commandLine(), System.err);
      return ExitCode.USAGE;
    }
    ParseResult command = parsed.subcommand();
    return refusable(() -> execute(command, command.commandSpec().name()));
  }

  private static int execute(ParseResult parsed, String name) {
    return switch (name) {
      case "serve" -> new Server(options(parsed), System.getenv()).run();
      case "verify" -> Verify.run(options(parsed), System.getenv(), System.out);
      case "audit" -> audit(parsed);
      case "restore" ->
          Restore.run(
              restoration(parsed), options(parsed), System.getenv(), System.out, System.err);
      case "recover" -> recover(parsed);
      case "backup" ->
          Backup.run(
              parsed.matchedPositionalValue(0, ""),
              options(parsed),
              System.getenv(),
              System.out,
              System.err);
      case "resilience" -> Resilience.run(parsed, Bystander.of(System.getenv()));
      case "config" -> ShowConfiguration.print(options(parsed), System.getenv(), System.out);
      case "version" -> {
        System.out.println("holdfast " + version(Main.class.getModule()));
        yield ExitCode.OK;
      }
      case "rehearse" -> Rehearsal.run(parsed.matchedPositionalValue(0, ""));
      default -> throw new IllegalStateException("no such command: " + name);
    };
  }

  /** Runs a command; what it refuses is one line and an exit code. */
  private static int refusable(IntSupplier command) {
    try {
      return command.getAsInt();
    } catch (FileStorageException refused) {
      System.err.println("holdfast: " + refused.getMessage());
      return refused.exitCode();
    } catch (ConfigurationException refused) {
      System.err.println("holdfast: " + refused.getMessage());
      return ExitCode.BAD_CONFIGURATION;
    }
  }

  /** The version this module was built as. */
  static String version(Module module) {
    return module.getDescriptor() == null
        ? "unpackaged"
        : module.getDescriptor().rawVersion().orElse("unpackaged");
  }

  private static CommandSpec serve() {
    CommandSpec spec = withSettings("Runs the server until it is signalled.");
    spec.usageMessage()
        .footer(
            "",
            "Order: option, environment variable, <data>/config.yaml, default.",
            "Prints READY and the address when it is ready; everything else goes to stderr.");
    return spec;
  }

  private static CommandSpec config() {
    return withSettings("Prints the configuration in force, and where each value comes from.");
  }

  private static CommandSpec verify() {
    CommandSpec spec =
        withSettings(
            "Checks every checksum and cross-reference of a data directory; changes nothing.");
    spec.usageMessage()
        .footer("", "Prints one line for each finding. Exit code 0 without any, 1 otherwise.");
    return spec;
  }

  private static CommandSpec audit() {
    CommandSpec verify =
        withSettings("Checks every entry of the audit trail of a data directory; changes nothing.");
    verify
        .usageMessage()
        .footer(
            "",
            "Prints one line. Exit code 0 if the trail is sound, 1 if it names the first entry that",
            "is altered, missing or truncated, 73 while a server has the directory: then ask that",
            "one, with GET /api/audit/verify.");
    CommandSpec spec = described(CommandSpec.create(), "What was done and refused, and by whom.");
    spec.addSubcommand("verify", verify);
    return spec;
  }

  private static int audit(ParseResult parsed) {
    if (!parsed.hasSubcommand()) {
      CommandLine.usage(parsed.commandSpec().commandLine(), System.err);
      return ExitCode.USAGE;
    }
    return VerifyAudit.run(options(parsed.subcommand()), System.getenv(), System.out);
  }

  private static CommandSpec restore() {
    CommandSpec spec =
        withSettings("Returns a data directory that no server uses to one of its snapshots.");
    spec.addPositional(
        PositionalParamSpec.builder()
            .paramLabel("SNAPSHOT")
            .arity("1")
            .required(true)
            .description("Its id: the name of its file below state/snapshots without .jsonl.zst.")
            .build());
    spec.addOption(
        OptionSpec.builder(DRY_RUN)
            .type(boolean.class)
            .description("Only says what would happen.")
            .build());
    spec.addOption(
        OptionSpec.builder(RUNNING)
            .type(Restoration.Running.class)
            .paramLabel("refuse|adopt")
            .description(
                "What becomes of active tasks that it would forget or change: refuse to restore,"
                    + " or adopt them as they are. Default: refuse")
            .build());
    spec.usageMessage()
        .footer(
            "",
            "Never asks. A snapshot of the present state is made first: restoring that one undoes it.",
            "Tasks that were not over come back HELD.",
            "Exit code 3 without such a snapshot, 5 if tasks are active, 73 if a server is.");
    return spec;
  }

  private static CommandSpec recover() {
    CommandSpec spec =
        withSettings("Says what a start would do with a data directory that no server uses.");
    spec.addOption(
        OptionSpec.builder(DRY_RUN)
            .type(boolean.class)
            .description("Required: it is serve that recovers.")
            .build());
    spec.addOption(
        OptionSpec.builder(JSON)
            .type(boolean.class)
            .description("Prints one JSON object instead of lines.")
            .build());
    spec.usageMessage()
        .footer(
            "",
            "Prints the cause, what would be replayed, healed and put into quarantine, and for each",
            "task that was active the verdict, the evidence read for it, and the decision.",
            "Nothing is changed, started or signalled. Exit code 73 if a server has the directory,",
            "otherwise 0, or what the start would exit with.");
    return spec;
  }

  private static CommandSpec backup() {
    CommandSpec spec =
        withSettings("Copies a data directory consistently, whether or not a server uses it.");
    spec.addPositional(
        PositionalParamSpec.builder()
            .paramLabel("DIR")
            .arity("1")
            .required(true)
            .description("Where to: a directory that does not exist yet, or is empty.")
            .build());
    spec.usageMessage()
        .footer(
            "",
            "Everything acknowledged before it began is in it. It is checked before it gets its name,",
            "so that a half-made one never passes for whole. To go on with it: serve --accept-copy.",
            "Exit code 1 if it cannot be made, or if it has the source's damage, which is printed;",
            "5 if DIR cannot be used.");
    return spec;
  }

  private static int recover(ParseResult command) {
    if (!command.matchedOptionValue(DRY_RUN, false)) {
      System.err.println(
          "holdfast: recover needs --dry-run: it only says what a start would do. To recover, run"
              + " holdfast serve, which does so at every start");
      return ExitCode.USAGE;
    }
    return Recover.run(
        options(command), System.getenv(), command.matchedOptionValue(JSON, false), System.out);
  }

  private static OfflineRestoration.Request restoration(ParseResult command) {
    return new OfflineRestoration.Request(
        command.matchedPositionalValue(0, ""),
        command.matchedOptionValue(RUNNING, Restoration.Running.REFUSE),
        command.matchedOptionValue(DRY_RUN, false));
  }

  private static CommandSpec version() {
    return described(CommandSpec.create(), "Prints the version.");
  }

  private static CommandSpec rehearse() {
    CommandSpec spec = described(CommandSpec.create(), "Runs a server briefly, for the build.");
    spec.usageMessage().hidden(true);
    spec.addPositional(PositionalParamSpec.builder().paramLabel("DIR").arity("1").build());
    return spec;
  }

  private static CommandSpec withSettings(String description) {
    CommandSpec spec = described(CommandSpec.create(), description);
    for (Setting<?> setting : Settings.ALL) {
      boolean flag = setting.isFlag();
      spec.addOption(
          OptionSpec.builder(setting.option())
              .type(String.class)
              .arity(flag ? "0..1" : "1")
              .fallbackValue("true")
              .paramLabel(flag ? "true|false" : "VALUE")
              .description(describe(setting))
              .build());
    }
    return spec;
  }

  private static CommandSpec described(CommandSpec spec, String description) {
    spec.usageMessage().description(description);
    spec.addOption(
        OptionSpec.builder("-h", "--help").usageHelp(true).description("Shows this.").build());
    return spec;
  }

  private static String describe(Setting<?> setting) {
    String variables =
        setting.variables().isEmpty() ? "" : " (" + String.join(", ", setting.variables()) + ")";
    String fallback =
        setting.fallback() == null || setting.fallback().isEmpty()
            ? ""
            : ". Default: " + setting.fallback();
    // picocli formats descriptions: a percent sign would begin a directive.
    return (setting.purpose() + variables + ": " + setting.allowed() + fallback).replace("%", "%%");
  }

  static Map<String, String> options(ParseResult parsed) {
    var options = new HashMap<String, String>();
    for (Setting<?> setting : Settings.ALL) {
      String value = parsed.matchedOptionValue(setting.option(), (String) null);
      if (value != null) {
        options.put(setting.key(), value);
      }
    }
    return options;
  }
}
