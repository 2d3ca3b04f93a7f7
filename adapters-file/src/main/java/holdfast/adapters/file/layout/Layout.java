package holdfast.adapters.file.layout;

import holdfast.adapters.file.disk.Disk;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Where everything stands.
 *
 * @param data the data directory
 * @param state what tasks are, usually {@code state} below it
 * @param mirror directory of the journal's second copy
 */
public record Layout(Path data, Path state, Path mirror) {
  /** How much of an id names the shard that it belongs in. */
  public static final int SHARD_CHARS = 2;

  /** The usual places below {@code state}. */
  public static Path defaultMirror(Path state) {
    return state.resolve("recovery").resolve("journal");
  }

  public Path lock() {
    return state.resolve("LOCK");
  }

  public Path instance() {
    return state.resolve("INSTANCE");
  }

  /** Tells to whom a mirror on another disk belongs. */
  public Path mirrorInstance() {
    return mirror.resolve("INSTANCE");
  }

  /** Keeps servers of other directories off a mirror on another disk. */
  public Path mirrorLock() {
    return mirror.resolve("LOCK");
  }

  public Path journal() {
    return state.resolve("journal");
  }

  public Path recovery() {
    return state.resolve("recovery");
  }

  public Path quarantine() {
    return recovery().resolve("quarantine");
  }

  /** On the mirror's own file system, so that a rename can move files there. */
  public Path mirrorQuarantine() {
    return mirror.startsWith(state) ? quarantine() : mirror.resolve("quarantine");
  }

  public Path snapshots() {
    return state.resolve("snapshots");
  }

  /** The newest snapshot's copy: on the mirror's disk, if that is another one. */
  public Path snapshotTwins() {
    return (mirror.startsWith(state) ? recovery() : mirror).resolve("snapshots");
  }

  /** The second copies of outputs: on the mirror's disk, if that is another one. */
  public Path outputCopies() {
    return (mirror.startsWith(state) ? recovery() : mirror).resolve("outputs");
  }

  /** Where those of a task are, beside those of others. */
  public Path outputCopies(TaskId task) {
    return outputCopies().resolve(shard(task.value()));
  }

  /**
   * The second copy of a file in a run directory.
   *
   * @param file its name there
   */
  public Path outputCopy(RunRef run, String file) {
    return outputCopies(run.task())
        .resolve(run.task().value() + "-" + directoryName(run) + "-" + file + ".zst");
  }

  public Path initiatives() {
    return state.resolve("initiatives");
  }

  public Path reports() {
    return recovery().resolve("reports");
  }

  /** What became of edits of state files; made when there is the first. */
  public Path conflicts() {
    return recovery().resolve("conflicts");
  }

  public Path manifest() {
    return state.resolve("current-state.json");
  }

  public Path otherManifest() {
    return recovery().resolve("current-state.json");
  }

  public Path logs() {
    return data.resolve("logs");
  }

  public Path tasks() {
    return state.resolve("tasks");
  }

  public static String shard(String id) {
    return id.substring(0, SHARD_CHARS);
  }

  /** The directory of everything that belongs to a task. */
  public Path task(TaskId task) {
    return tasks().resolve(shard(task.value())).resolve(task.value());
  }

  public Path run(RunRef run) {
    return task(run.task()).resolve(directoryName(run));
  }

  private static String directoryName(RunRef run) {
    String attempt = Integer.toString(run.attempt());
    return run.run() == 1 ? attempt : attempt + "." + run.run();
  }

  /** All directories of the server's own, parents first. */
  public List<Path> directories() {
    return List.of(
        data,
        state,
        journal(),
        recovery(),
        quarantine(),
        reports(),
        snapshots(),
        mirror,
        snapshotTwins(),
        outputCopies(),
        mirrorQuarantine(),
        tasks(),
        initiatives(),
        logs());
  }

  /** Makes every directory that is missing, durably, and removes files left unfinished. */
  public void prepare(Disk disk) throws IOException {
    List<Path> directories = directories();
    for (Path directory : directories) {
      create(disk, directory);
    }
    // One that is there may have been made by a start that was killed before it forced the name.
    var parents = new LinkedHashSet<Path>();
    directories.stream()
        .filter(directory -> directory.startsWith(data) && !directory.equals(data))
        .forEach(directory -> parents.add(Disk.parent(directory)));
    for (Path parent : parents) {
      disk.forceDirectory(parent);
    }
    for (Path directory : directories) {
      removeTemporary(disk, directory);
    }
  }

  /** Makes a directory and all that is missing above it. */
  public static void create(Disk disk, Path directory) throws IOException {
    var missing = new ArrayDeque<Path>();
    Path at = directory.toAbsolutePath();
    while (at != null && disk.kind(at) == Disk.Kind.MISSING) {
      missing.push(at);
      at = at.getParent();
    }
    for (Path path : missing) {
      disk.createDirectory(path);
    }
  }

  private static void removeTemporary(Disk disk, Path directory) throws IOException {
    for (String name : disk.list(directory)) {
      Path path = directory.resolve(name);
      if (name.endsWith(Disk.TEMPORARY_SUFFIX) && disk.kind(path) != Disk.Kind.DIRECTORY) {
        disk.delete(path);
      }
    }
  }
}
