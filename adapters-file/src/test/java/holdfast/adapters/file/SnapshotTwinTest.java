package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A snapshot that the disk does not keep twice as it was written is no snapshot. */
class SnapshotTwinTest {
  private static final Path FIRST = WholeServer.LAYOUT.snapshots();
  private static final Path TWINS = WholeServer.LAYOUT.snapshotTwins();

  private final Random random = new Random(7);
  private final SimulatedDisk disk = new SimulatedDisk(WholeServer.ROOT);
  private final LyingDisk lying = new LyingDisk(disk);
  private WholeServer server;

  /** What becomes of the bytes that are written, without a word. */
  enum Lie {
    BIT_FLIPPED,
    LAST_BYTE_LOST,
    BYTE_TOO_MANY,
    NOTHING_WRITTEN
  }

  /** Writes other bytes than it is given to new files below a directory. */
  private static final class LyingDisk extends ForwardingDisk {
    private @Nullable Path below;
    private Lie lie = Lie.BIT_FLIPPED;

    LyingDisk(Disk disk) {
      super(disk);
    }

    void lie(@Nullable Path directory, Lie how) {
      below = directory;
      lie = how;
    }

    @Override
    public DiskFile open(Path file, Access access) throws IOException {
      DiskFile opened = super.open(file, access);
      boolean isTrue = below == null || access != Access.CREATE || !file.startsWith(below);
      return isTrue ? opened : new LyingFile(opened, lie);
    }
  }

  private static final class LyingFile extends ForwardingFile {
    private final Lie lie;

    LyingFile(DiskFile file, Lie lie) {
      super(file);
      this.lie = lie;
    }

    @Override
    public void write(ByteBuffer source, long offset) throws IOException {
      byte[] bytes = new byte[source.remaining()];
      source.get(bytes);
      int length =
          switch (lie) {
            case BIT_FLIPPED -> bytes.length;
            case LAST_BYTE_LOST -> bytes.length - 1;
            case BYTE_TOO_MANY -> bytes.length + 1;
            case NOTHING_WRITTEN -> 0;
          };
      if (lie == Lie.BIT_FLIPPED) {
        bytes[bytes.length / 2] ^= 1;
      }
      super.write(ByteBuffer.wrap(Arrays.copyOf(bytes, length)), offset);
    }
  }

  @BeforeEach
  void start() throws IOException {
    server = WholeServer.on(lying, random);
    server.commit(new WholeServerSteps(random).changes(server.model(), 3));
  }

  private List<Path> snapshotFiles() {
    return disk.files().stream()
        .filter(file -> file.startsWith(FIRST) || file.startsWith(TWINS))
        .toList();
  }

  private void assertNoneIsKept(Path where, Lie lie) throws IOException {
    lying.lie(where, lie);
    StorageException refused = assertThrows(StorageException.class, server::snapshot);
    assertTrue(String.valueOf(refused.getMessage()).contains(where.toString()), refused.toString());
    assertEquals(List.of(), snapshotFiles(), "neither file is left, nor half of one");
    assertEquals(List.of(), server.snapshotIds());
    lying.lie(null, lie);
    server.snapshot();
    assertEquals(1, server.snapshotIds().size());
    assertEquals(2, snapshotFiles().size());
    StateImage image = server.image();
    assertEquals(image, WholeServer.on(disk.afterKill(), random).image());
  }

  @ParameterizedTest
  @EnumSource(Lie.class)
  void aTwinThatReadsOtherwiseThanItWasWrittenIsNotKept(Lie lie) throws IOException {
    assertNoneIsKept(TWINS, lie);
  }

  @ParameterizedTest
  @EnumSource(Lie.class)
  void aSnapshotThatReadsOtherwiseThanItWasWrittenIsNotKept(Lie lie) throws IOException {
    assertNoneIsKept(FIRST, lie);
  }

  /** The one before stays, whole and twice, whatever becomes of the next. */
  @Test
  void theOneBeforeIsKeptWhenTheNextIsNot() throws IOException {
    server.snapshot();
    List<Path> before = snapshotFiles();
    server.commit(new WholeServerSteps(random).changes(server.model(), 1));
    lying.lie(TWINS, Lie.BIT_FLIPPED);
    assertThrows(StorageException.class, server::snapshot);
    assertEquals(before, snapshotFiles());
    StateImage image = server.image();
    assertEquals(image, WholeServer.on(disk.afterKill(), random).image());
  }
}
