package holdfast.adapters.file;

import holdfast.adapters.file.disk.SimulatedDisk;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/** What can happen to a file that nobody writes to. */
final class FileDamage {
  static final List<String> KINDS = List.of("delete", "truncate", "zero", "flip", "swap", "stale");

  private final Random random;

  FileDamage(Random random) {
    this.random = random;
  }

  /**
   * Damages a file.
   *
   * @param earlier the same disk some time ago, for what is put back from a backup
   * @return false if that would have changed nothing
   */
  boolean inflict(String kind, SimulatedDisk disk, Path file, SimulatedDisk earlier) {
    byte[] before = disk.content(file);
    byte[] after = damaged(disk, earlier, file, kind, before.clone());
    if (kind.equals("delete")) {
      disk.lose(file);
      return true;
    }
    if (Arrays.equals(before, after) || isBlankBeyond(file, before, after)) {
      return false;
    }
    disk.tamper(file, _ -> after);
    return true;
  }

  /** Bytes behind the end of the youngest segment are nobody's: they were never written to. */
  private static boolean isBlankBeyond(Path file, byte[] before, byte[] after) {
    if (!file.toString().endsWith(".wal")) {
      return false;
    }
    int used = before.length;
    while (used > 0 && before[used - 1] == 0) {
      used--;
    }
    int mismatch = Arrays.mismatch(before, after);
    return mismatch >= (used + 4_095) / 4_096 * 4_096;
  }

  private byte[] damaged(
      SimulatedDisk disk, SimulatedDisk earlier, Path file, String kind, byte[] bytes) {
    return switch (kind) {
      case "truncate" -> Arrays.copyOf(bytes, bytes.length / 2);
      case "zero" -> new byte[bytes.length];
      case "flip" -> {
        if (bytes.length > 0) {
          int used = bytes.length;
          while (used > 1 && bytes[used - 1] == 0) {
            used--;
          }
          bytes[random.nextInt(used)] ^= (byte) (1 << random.nextInt(8));
        }
        yield bytes;
      }
      case "swap" -> another(disk, file);
      case "stale" -> earlier.files().contains(file) ? earlier.content(file) : bytes;
      default -> bytes;
    };
  }

  private byte[] another(SimulatedDisk disk, Path file) {
    var others = new TreeMap<Path, Path>();
    for (Path other : disk.files()) {
      if (!other.equals(file) && other.getParent().equals(file.getParent())) {
        others.put(other, other);
      }
    }
    List<Path> choices = List.copyOf(others.keySet());
    return choices.isEmpty()
        ? disk.content(file)
        : disk.content(choices.get(random.nextInt(choices.size())));
  }
}
