package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputStreamName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The two files of one stream.
 *
 * @param quarantine keeps what is put aside of the first
 * @param copyQuarantine keeps what is put aside of the second, on its own file system
 * @param name of the stream, as its copy bears it
 * @param raw what the command writes to
 * @param packed what {@code raw} is compressed into when it is old
 * @param copy the second copy
 */
record OutputFiles(
    Disk disk,
    Quarantine quarantine,
    Quarantine copyQuarantine,
    String name,
    Path raw,
    Path packed,
    Path copy) {

  static OutputFiles of(
      Disk disk, Layout layout, Quarantine quarantine, Quarantine copyQuarantine, Output output) {
    String file = fileName(output.stream());
    return new OutputFiles(
        disk,
        quarantine,
        copyQuarantine,
        output.run() + "/" + output.stream(),
        layout.run(output.run()).resolve(file),
        layout.run(output.run()).resolve(file + ".zst"),
        layout.outputCopy(output.run(), file));
  }

  private static String fileName(OutputStreamName stream) {
    return switch (stream) {
      case MERGED -> "output.log";
      case STDOUT -> "stdout.log";
      case STDERR -> "stderr.log";
    };
  }

  private Quarantine keeperOf(Path file) {
    return file.equals(copy) ? copyQuarantine : quarantine;
  }

  Path temporary(Path file) {
    return file.resolveSibling(file.getFileName() + Disk.TEMPORARY_SUFFIX);
  }

  /** Makes the directory that a file is to stand in; what stands in its way is moved aside. */
  void makeDirectoryOf(Path file) throws IOException {
    Path directory = Disk.parent(file);
    for (Path at : List.of(Disk.parent(directory), directory)) {
      Disk.Kind kind = disk.kind(at);
      if (kind == Disk.Kind.FILE || kind == Disk.Kind.OTHER) {
        keeperOf(file).move(at, "is no directory", null);
      }
    }
    Layout.create(disk, directory);
  }

  /** Keeps what a file held before it is put right, and moves away what is no file. */
  Mended putAside(Path file, String damage, String source) throws IOException {
    Path kept =
        disk.kind(file) == Disk.Kind.FILE
            ? keeperOf(file).keep(file, damage, source)
            : keeperOf(file).move(file, damage, source);
    return mended(file, damage, source, kept);
  }

  static Mended mended(Path file, String damage, @Nullable String source, @Nullable Path kept) {
    return new Mended(file.toString(), damage, source, kept == null ? null : kept.toString());
  }
}
