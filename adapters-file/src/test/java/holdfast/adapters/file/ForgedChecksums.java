package holdfast.adapters.file;

import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.layout.Layout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A mutant: makes every checksum in the journal right, whatever it guards, so that a reader finds
 * what one without checksums would.
 */
final class ForgedChecksums {
  private static final int BLOCK = 4_096;
  private static final long BATCH = 0x4846424154434831L;
  private static final int RECORD = 0x48465243;

  private ForgedChecksums() {}

  static SimulatedDisk makeAllValid(SimulatedDisk disk) {
    for (Path file : disk.files()) {
      if (file.toString().endsWith(".wal")) {
        disk.tamper(file, ForgedChecksums::forge);
      }
    }
    return disk;
  }

  /**
   * Makes every batch name the one that stands before it in the journal as it is: what a reader
   * without a chain finds.
   */
  static void rechain(SimulatedDisk disk, Layout layout) {
    for (Path directory : List.of(layout.journal(), layout.mirror())) {
      byte[][] last = {new byte[32]};
      disk.files().stream()
          .filter(file -> directory.equals(file.getParent()))
          .filter(file -> file.toString().matches(".*-\\d+\\.wal"))
          .sorted(Comparator.comparing(file -> file.toString().replaceAll(".*-", "")))
          .forEach(file -> disk.tamper(file, bytes -> rechain(bytes, last)));
    }
  }

  private static byte[] rechain(byte[] bytes, byte[][] last) {
    ByteBuffer segment = ByteBuffer.wrap(bytes);
    int at = 0;
    while (at + BLOCK <= bytes.length && segment.getLong(at) == BATCH) {
      int padded = (segment.getInt(at + 12) + BLOCK - 1) & -BLOCK;
      segment.put(at + 72, last[0]);
      segment.putInt(at + 124, crc(segment, at, 124, at + 128, padded - 128));
      try {
        MessageDigest sha = MessageDigest.getInstance("SHA-256");
        sha.update(bytes, at, padded);
        last[0] = sha.digest();
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError(e);
      }
      at += padded;
    }
    return bytes;
  }

  /** Makes the checksums in a segment right, in place. */
  static byte[] forge(byte[] bytes) {
    ByteBuffer segment = ByteBuffer.wrap(bytes);
    for (int at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
      if (segment.getLong(at) == BATCH) {
        forgeBatch(segment, at);
      }
    }
    return bytes;
  }

  private static void forgeBatch(ByteBuffer segment, int at) {
    int length = segment.getInt(at + 12);
    int padded = (length + BLOCK - 1) & -BLOCK;
    if (length < 128 || at + padded > segment.limit()) {
      return;
    }
    int record = at + 128;
    while (record + 80 <= at + length && segment.getInt(record) == RECORD) {
      int payload = segment.getInt(record + 8);
      if (payload < 0 || payload > at + length - record - 80) {
        break;
      }
      segment.putInt(record + 76, crc(segment, record, 76, record + 80, payload));
      record += 80 + payload;
    }
    segment.putInt(at + 124, crc(segment, at, 124, at + 128, padded - 128));
  }

  private static int crc(ByteBuffer bytes, int from, int count, int from2, int count2) {
    var crc = new CRC32C();
    crc.update(bytes.slice(from, count));
    crc.update(bytes.slice(from2, count2));
    return (int) crc.getValue();
  }
}
