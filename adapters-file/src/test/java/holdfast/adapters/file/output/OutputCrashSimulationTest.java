package holdfast.adapters.file.output;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.WithoutDirectorySync;
import holdfast.adapters.file.WithoutForce;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A command writes, its output is copied and sealed, and the machine crashes before each operation
 * in many ways. What had been copied durably is there afterwards; what was sealed is there, byte
 * for byte, whatever becomes of any one of its two files, and of a crash while it is mended.
 */
class OutputCrashSimulationTest {
  private static final boolean LONG = Boolean.getBoolean("holdfast.test.long");
  private static final int HISTORIES = LONG ? 400 : 12;
  private static final int FATES_EACH = 3;
  private static final List<Fate> FATES = List.of(Fate.values());

  private static final StreamOnDisk STREAM =
      new StreamOnDisk(new SimulatedDisk(StreamOnDisk.ROOT), StreamOnDisk.ROOT);

  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private long states;

  /** What is known to be durable. */
  private static final class Acknowledged {
    byte[] written = new byte[0];
    int copied;
    @Nullable OutputSeal seal;
  }

  @Test
  void nothingSealedAndNothingCopiedDurablyIsLost() throws IOException {
    for (int i = 0; i < HISTORIES; i++) {
      run(UnaryOperator.identity());
    }
    System.out.println("outputs: " + states + " crash states, seed " + seed);
    assertTrue(states > HISTORIES * 20L, states + " states");
  }

  @Test
  void mutantThatForgetsToForceTheOutputIsCaught() {
    caught(disk -> new WithoutForce(disk, STREAM.raw));
  }

  @Test
  void mutantThatForgetsToForceTheCopyIsCaught() {
    caught(disk -> new WithoutForce(disk, STREAM.layout.outputCopies()));
  }

  @Test
  void mutantThatForgetsToForceDirectoriesIsCaught() {
    caught(WithoutDirectorySync::new);
  }

  private void caught(UnaryOperator<Disk> mutant) {
    assertThrows(
        AssertionError.class,
        () -> {
          for (int i = 0; i < HISTORIES; i++) {
            run(mutant);
          }
        },
        "seed " + seed);
  }

  private void run(UnaryOperator<Disk> mutant) throws IOException {
    var disk = new SimulatedDisk(StreamOnDisk.ROOT);
    new StreamOnDisk(disk, StreamOnDisk.ROOT).prepared();
    var stream = new StreamOnDisk(mutant.apply(disk), StreamOnDisk.ROOT);
    var known = new Acknowledged();
    disk.onOperation(() -> crash(disk, known));
    int pieces = 1 + random.nextInt(4);
    for (int i = 0; i < pieces; i++) {
      byte[] piece = piece();
      stream.write(piece);
      known.written = joined(known.written, piece);
      if (random.nextInt(4) > 0) {
        int copied = (int) stream.storage.copy(StreamOnDisk.OUTPUT, true).end();
        if (random.nextBoolean()) {
          stream.storage.force();
          known.copied = copied;
        }
      }
    }
    known.seal = stream.seal().seal();
    crash(disk, known);
    if (random.nextInt(3) == 0) {
      stream.storage.pack(StreamOnDisk.OUTPUT, known.seal, () -> true);
      crash(disk, known);
    } else if (random.nextBoolean()) {
      byte[] late = piece();
      stream.write(late);
      OutputSeal again = stream.seal().seal();
      known.written = joined(known.written, late);
      known.seal = again;
      crash(disk, known);
    }
  }

  private byte[] piece() {
    byte[] piece = new byte[1 + random.nextInt(random.nextInt(6) == 0 ? 1_300_000 : 9_000)];
    // Half of it compresses, as outputs do.
    random.nextBytes(piece);
    Arrays.fill(piece, 0, piece.length / 2, (byte) '.');
    return piece;
  }

  private static byte[] joined(byte[] first, byte[] second) {
    byte[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  private void crash(SimulatedDisk disk, Acknowledged known) {
    check(disk.afterKill(), known, "killed");
    check(disk.afterPowerCut(() -> Fate.DROPPED, random), known, "all dropped");
    for (int i = 0; i < FATES_EACH; i++) {
      check(disk.afterPowerCut(this::anyFate, random), known, "sample " + i);
    }
  }

  private Fate anyFate() {
    return FATES.get(random.nextInt(FATES.size()));
  }

  private void check(SimulatedDisk found, Acknowledged known, String how) {
    states++;
    OutputSeal seal = known.seal;
    try {
      if (seal == null) {
        checkUnsealed(found, known);
      } else {
        checkSealed(found, known, seal);
      }
    } catch (IOException | StorageException e) {
      throw new AssertionError(how + ", seed " + seed, e);
    } catch (AssertionError e) {
      throw new AssertionError(how + ", seed " + seed + ": " + e.getMessage(), e);
    }
  }

  private static void checkUnsealed(SimulatedDisk found, Acknowledged known) {
    var stream = new StreamOnDisk(found, StreamOnDisk.ROOT);
    byte[] sealed = stream.read(stream.seal().seal());
    expect(known.written, known.copied, sealed);
  }

  /** Nobody has sealed the output yet, or it was sealed and written to later. */
  private static void expect(byte[] written, int durable, byte[] found) {
    if (found.length < durable || Arrays.mismatch(written, 0, durable, found, 0, durable) >= 0) {
      throw new AssertionError(durable + " bytes were durable, " + found.length + " were found");
    }
  }

  private void checkSealed(SimulatedDisk found, Acknowledged known, OutputSeal seal)
      throws IOException {
    var stream = new StreamOnDisk(found, StreamOnDisk.ROOT);
    if (random.nextBoolean()) {
      List<Path> files =
          Stream.of(stream.raw, stream.packed, stream.copy)
              .filter(found.files()::contains)
              .toList();
      damage(found, files.get(random.nextInt(files.size())));
    }
    SimulatedDisk mended = random.nextBoolean() ? mendedHalf(found, seal) : found;
    var again = new StreamOnDisk(mended, StreamOnDisk.ROOT);
    if (random.nextBoolean()) {
      again.check(seal);
      if (!again.check(seal).isEmpty()) {
        throw new AssertionError("mended twice");
      }
    }
    byte[] read = again.read(seal);
    expect(known.written, (int) seal.bytes(), read);
  }

  private void damage(SimulatedDisk found, Path file) {
    switch (random.nextInt(4)) {
      case 0 -> found.lose(file);
      case 1 -> found.tamper(file, bytes -> Arrays.copyOf(bytes, bytes.length / 2));
      case 2 -> found.tamper(file, bytes -> new byte[bytes.length]);
      case 3 ->
          found.tamper(
              file,
              bytes -> {
                if (bytes.length > 0) {
                  bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                }
                return bytes;
              });
      default -> throw new AssertionError();
    }
  }

  /** The disk after a check that was itself cut short somewhere. */
  private SimulatedDisk mendedHalf(SimulatedDisk found, OutputSeal seal) {
    SimulatedDisk mending = found.afterKill();
    int last = random.nextInt(12);
    mending.onOperation(
        () -> {
          if (mending.operations() == last) {
            throw new Crash();
          }
        });
    try {
      new StreamOnDisk(mending, StreamOnDisk.ROOT).check(seal);
    } catch (Crash _) {
      // This is what was to happen; a check of fewer operations ends by itself, which is as well.
      states++;
    }
    mending.onOperation(() -> {});
    return mending.afterPowerCut(this::anyFate, random);
  }

  /** Ends a check in the middle. */
  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Crash() {
      super(null, null, false, false);
    }
  }
}
