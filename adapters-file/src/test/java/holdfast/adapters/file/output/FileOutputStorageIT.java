package holdfast.adapters.file.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileOutputStorageIT {
  private static final RunRef RUN = new RunRef(SampleTasks.id(1), 1, 1);

  private static final Output MERGED = new Output(RUN, OutputStreamName.MERGED);

  @TempDir private Path directory;

  private Layout layout() {
    Path state = directory.resolve("state");
    return new Layout(directory, state, Layout.defaultMirror(state));
  }

  private FileOutputStorage storage() {
    Layout layout = layout();
    var quarantine =
        new Quarantine(
            new NioDisk(), layout.quarantine(), InstantSource.fixed(SampleTasks.NOON), 1L << 30);
    return new FileOutputStorage(new NioDisk(), layout, quarantine, quarantine, () -> true);
  }

  @Test
  void purgeRemovesLinksAndNotWhatTheyPointAt() throws Exception {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Path kept = Files.writeString(outside.resolve("kept"), "kept");
    Path run = Files.createDirectories(layout().run(RUN));
    Files.createSymbolicLink(run.resolve("directory"), outside);
    Files.createSymbolicLink(run.resolve("file"), kept);
    storage().purge(RUN.task());
    assertFalse(Files.exists(layout().task(RUN.task())));
    assertEquals("kept", Files.readString(kept));
  }

  @Test
  void outputThatIsALinkIsNotFollowed() throws Exception {
    Path secret = Files.writeString(directory.resolve("secret"), "secret");
    Path run = Files.createDirectories(layout().run(RUN));
    Files.createSymbolicLink(run.resolve("output.log"), secret);
    try (var reader = storage().open(MERGED, null)) {
      assertEquals(0, reader.length());
    }
  }

  @Test
  void closedReaderRefuses() {
    var reader = storage().open(MERGED, null);
    reader.close();
    reader.close();
    assertThrows(IllegalStateException.class, reader::length);
  }

  @Test
  void runDirectoriesAreNamedByAttemptAndRun() {
    assertTrue(layout().run(RUN).endsWith("tasks/10/" + RUN.task() + "/1"));
    assertTrue(
        layout().run(new RunRef(RUN.task(), 3, 2)).endsWith("tasks/10/" + RUN.task() + "/3.2"));
  }
}
