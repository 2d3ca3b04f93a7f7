package holdfast.adapters.file;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Runs processes under strace(1): sees their system calls in order, and makes chosen ones fail.
 * What is made to fail is not executed.
 */
final class Strace {
  /** What changes files or makes changes durable, and what reads them. */
  static final String CALLS =
      "openat,pread64,pwrite64,ftruncate,fallocate,fsync,fdatasync,sync_file_range,syncfs,"
          + "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,utimensat";

  private static final int SECONDS_MAX = 60;
  private static final Pattern LINE =
      Pattern.compile("^(?<pid>\\d+)(<(?<thread>[^>]*)>)? +(?<call>\\w+)\\((?<rest>.*)$");
  private static final Pattern PLACE = Pattern.compile("[\"<](/[^\">]*)");

  private static final String UNFINISHED = " <unfinished ...>";
  private static final String RESUMED = " resumed>";

  private Strace() {}

  /**
   * One call, or the part of it that was seen.
   *
   * @param pid of the thread
   * @param thread the name that it had, as far as the kernel keeps it
   * @param places absolute paths that it names, in order
   * @param failed whether it was made to fail
   */
  record Call(
      String pid, String thread, String name, List<String> places, String text, boolean failed) {}

  /**
   * Which calls fail.
   *
   * @param place the path that they touch
   * @param occurrence which of them, counted from 1, and in each thread by itself
   */
  record Fault(String call, String place, int occurrence, String error) {}

  /** What a process did. */
  record Run(int exitCode, List<Call> calls, String stderr) {}

  /** Why it cannot be used here, or null. */
  static @Nullable String unusable(Path scratch) throws IOException, InterruptedException {
    try {
      Path log = scratch.resolve("strace.probe");
      Process process =
          new ProcessBuilder(
                  "strace",
                  "-f",
                  "--seccomp-bpf",
                  "-Y",
                  "-o",
                  log.toString(),
                  "-e",
                  "trace=openat",
                  "true")
              .redirectErrorStream(true)
              .start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() == 0 ? null : "strace cannot trace here: " + output.strip();
    } catch (IOException e) {
      return "there is no strace: " + e.getMessage();
    }
  }

  /**
   * Runs a command to its end.
   *
   * @param ledger where its output goes: what it writes there is seen among its calls
   * @param fault if there is one, only calls that touch its place or the ledger are seen
   */
  static Run run(List<String> java, Path ledger, @Nullable Fault fault, Path log)
      throws IOException, InterruptedException {
    var command = new ArrayList<String>(List.of("strace", "-f", "-y", "-Y", "-s", "40"));
    command.addAll(List.of("--seccomp-bpf", "-o", log.toString()));
    if (fault == null) {
      command.addAll(List.of("-e", "trace=write," + CALLS));
    } else {
      command.addAll(List.of("-P", fault.place(), "-P", ledger.toString()));
      command.addAll(List.of("-e", "trace=write," + fault.call()));
      command.addAll(
          List.of(
              "-e",
              "inject="
                  + fault.call()
                  + ":error="
                  + fault.error()
                  + ":when="
                  + fault.occurrence()));
    }
    command.addAll(java);
    Path stderr = log.resolveSibling("stderr");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ledger.toFile())
            .redirectError(stderr.toFile())
            .start();
    if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
      throw new AssertionError(fault + ": still running after " + SECONDS_MAX + " s");
    }
    return new Run(process.exitValue(), calls(Files.readAllLines(log)), Files.readString(stderr));
  }

  /** A call that another thread's came between stands where it ends. */
  private static List<Call> calls(List<String> lines) {
    var calls = new ArrayList<Call>();
    Map<String, String> unfinished = new HashMap<>();
    for (String line : lines) {
      String pid = line.substring(0, Math.max(0, line.indexOf(' ')));
      if (line.endsWith(UNFINISHED)) {
        unfinished.put(pid, line.substring(0, line.length() - UNFINISHED.length()));
        continue;
      }
      int resumed = line.indexOf(RESUMED);
      String whole =
          resumed < 0 ? line : unfinished.remove(pid) + line.substring(resumed + RESUMED.length());
      Matcher matcher = LINE.matcher(whole);
      if (matcher.matches()) {
        calls.add(call(matcher, whole));
      }
    }
    return calls;
  }

  private static Call call(Matcher matcher, String line) {
    String rest = matcher.group("rest");
    var places = new ArrayList<String>();
    PLACE.matcher(rest).results().forEach(found -> places.add(found.group(1)));
    String thread = matcher.group("thread");
    return new Call(
        matcher.group("pid"),
        thread == null ? "" : thread,
        matcher.group("call"),
        places,
        line,
        rest.contains("(INJECTED)"));
  }
}
