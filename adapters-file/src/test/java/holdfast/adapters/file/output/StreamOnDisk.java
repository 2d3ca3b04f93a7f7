package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.OutputStorage.Sealing;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One stream on some disk: its command, and a storage that was just opened on it. */
final class StreamOnDisk {
  static final Path ROOT = Path.of("/data");
  static final Output OUTPUT =
      new Output(new RunRef(SampleTasks.id(1), 1, 1), OutputStreamName.MERGED);

  private final Disk disk;
  final Layout layout;
  final FileOutputStorage storage;
  final Path raw;
  final Path packed;
  final Path copy;

  StreamOnDisk(Disk disk, Path root) {
    this.disk = disk;
    Path state = root.resolve("state");
    layout = new Layout(root, state, Layout.defaultMirror(state));
    var quarantine =
        new Quarantine(disk, layout.quarantine(), InstantSource.fixed(SampleTasks.NOON), 1L << 30);
    storage = new FileOutputStorage(disk, layout, quarantine, quarantine, () -> true);
    raw = layout.run(OUTPUT.run()).resolve("output.log");
    packed = raw.resolveSibling("output.log.zst");
    copy = layout.outputCopy(OUTPUT.run(), "output.log");
  }

  /** Makes what stands before the command begins: its run directory is durable. */
  StreamOnDisk prepared() throws IOException {
    layout.prepare(disk);
    Layout.create(disk, Disk.parent(raw));
    try (DiskFile file = disk.open(raw, Disk.Access.CREATE)) {
      file.force();
    }
    disk.forceDirectory(Disk.parent(raw));
    return this;
  }

  /** Appends, as the command does: nothing is forced. */
  void write(byte[] bytes) throws IOException {
    try (DiskFile file = disk.open(raw, Disk.Access.WRITE)) {
      file.write(ByteBuffer.wrap(bytes), file.size());
    }
  }

  Sealing.Sealed seal() {
    Sealing sealing = storage.seal(List.of(OUTPUT)).get(OUTPUT);
    if (sealing instanceof Sealing.Sealed sealed) {
      return sealed;
    }
    throw new AssertionError("not sealed: " + sealing);
  }

  /** All that is sealed, and what was written late as long as it is there. */
  byte[] read(OutputSeal seal) {
    try (var reader = storage.open(OUTPUT, seal)) {
      byte[] bytes = new byte[(int) reader.length()];
      ByteBuffer target = ByteBuffer.wrap(bytes);
      while (target.hasRemaining() && reader.read(target.position(), target) > 0) {
        // Until all is read.
      }
      return Arrays.copyOf(bytes, target.position());
    }
  }

  List<Mended> check(OutputSeal seal) {
    var mended = new ArrayList<Mended>();
    long from = 0;
    while (from >= 0) {
      var checked = storage.check(OUTPUT, seal, from);
      mended.addAll(checked.mended());
      from = checked.next();
    }
    return mended;
  }
}
