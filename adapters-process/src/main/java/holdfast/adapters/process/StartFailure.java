package holdfast.adapters.process;

import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonException;
import jakarta.json.JsonObject;
import java.io.ByteArrayInputStream;

/** Says in a sentence why a command was not reached. */
record StartFailure(String program, String cwd) {
  private static final int SPEC_BYTES_MAX = 4 << 20;

  /** With the words of a run's {@code spec.json}; without them if that cannot be read. */
  static StartFailure of(Directory directory) {
    byte[] spec = directory.read(SpecFile.NAME, SPEC_BYTES_MAX);
    if (spec != null) {
      try (var reader = Json.createReader(new ByteArrayInputStream(spec))) {
        if (reader.read() instanceof JsonObject object
            && object.get("argv") instanceof JsonArray argv
            && !argv.isEmpty()) {
          return new StartFailure(
              argv.getString(0, "the command"), object.getString("cwd", "the directory"));
        }
      } catch (JsonException unreadable) {
        // It only lends words to a sentence; what is known without it is said without it.
        return new StartFailure("the command", "the directory");
      }
    }
    return new StartFailure("the command", "the directory");
  }

  /**
   * @param stage what was being done
   * @param error name of the kernel's error
   */
  String sentence(String stage, String error) {
    return switch (stage) {
      case "cwd" -> "working directory " + cwd + ": " + reason(error);
      case "exec" -> exec(error);
      case "interpreter" ->
          "the interpreter named in the first line of " + program + " does not exist";
      case "record" ->
          error.equals("ECANCELED")
              ? "the run was given up before its command was reached"
              : "the process could not be recorded on disk: " + reason(error);
      case "environment" -> "the environment could not be read: " + reason(error);
      case "output" -> "the output files could not be opened: " + reason(error);
      case "limit" -> "the limit on open files could not be set: " + reason(error);
      case "fork" -> "no process could be made: " + reason(error);
      default -> stage + ": " + reason(error);
    };
  }

  private String exec(String error) {
    return switch (error) {
      case "ENOENT" -> "command not found: " + program;
      case "EACCES" -> "permission denied: " + program + " is not executable";
      case "EISDIR" -> program + " is a directory, not a program";
      case "ENOEXEC" ->
          program + " is no program of this machine and names no interpreter in its first line";
      case "E2BIG" -> "the arguments and the environment of " + program + " are too long";
      case "UNKNOWN" ->
          program + " could not be executed; what the shell said of it is in the output";
      default -> program + " could not be executed: " + reason(error);
    };
  }

  private static String reason(String error) {
    for (Errno errno : Errno.values()) {
      if (errno.name().equals(error)) {
        return errno.words();
      }
    }
    return error;
  }
}
