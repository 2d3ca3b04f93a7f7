package holdfast.adapters.file.log;

import holdfast.domain.port.EventLogReader.Filter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A Bloom filter of the types, task ids and initiative ids in some lines: it says of each that it
 * does not occur, or that it may. Twelve bits and six probes for each make it wrong in about half a
 * percent of the cases in which one does not occur.
 */
final class IdFilter {
  private static final int BITS_A_KEY = 12;
  private static final int PROBES = 6;

  private static final byte[] TYPE = quoted("type");
  private static final byte[] TASK = quoted("taskId");
  private static final byte[] INITIATIVE = quoted("initiativeId");

  private final Set<Long> hashes = new HashSet<>();

  /** Adds the type of a line, and the first of each kind of id that is found in it. */
  void add(String type, byte[] line, int from, int to) {
    hashes.add(hash(TYPE, type));
    boolean hasTask = false;
    boolean hasInitiative = false;
    for (int i = from; i < to - TASK.length; i++) {
      if (line[i] != '"') {
        continue;
      }
      if (!hasTask && stands(TASK, line, i, to)) {
        addValue(TASK, line, i, to);
        hasTask = true;
      } else if (!hasInitiative && stands(INITIATIVE, line, i, to)) {
        addValue(INITIATIVE, line, i, to);
        hasInitiative = true;
      }
    }
  }

  /** A member's name as it stands in a line, up to its value. */
  private static byte[] quoted(String name) {
    return ('"' + name + "\":\"").getBytes(StandardCharsets.US_ASCII);
  }

  private static boolean stands(byte[] name, byte[] line, int at, int to) {
    return at + name.length <= to
        && line[at + 1] == name[1]
        && Arrays.equals(line, at, at + name.length, name, 0, name.length);
  }

  private void addValue(byte[] name, byte[] line, int at, int to) {
    int value = at + name.length;
    int end = value;
    while (end < to && line[end] != '"') {
      end++;
    }
    hashes.add(hash(name, line, value, end));
  }

  byte[] toBytes() {
    byte[] bits = new byte[(hashes.size() * BITS_A_KEY + 7) / 8];
    for (long hash : hashes) {
      for (int probe = 0; probe < PROBES; probe++) {
        int bit = bit(hash, probe, bits.length);
        bits[bit >> 3] |= (byte) (1 << (bit & 7));
      }
    }
    return bits;
  }

  /** What must occur in lines that a filter wants. */
  static List<Long> wanted(Filter filter) {
    var wanted = new ArrayList<Long>();
    if (filter.type() != null) {
      wanted.add(hash(TYPE, filter.type()));
    }
    if (filter.taskId() != null) {
      wanted.add(hash(TASK, filter.taskId()));
    }
    if (filter.initiativeId() != null) {
      wanted.add(hash(INITIATIVE, filter.initiativeId()));
    }
    return wanted;
  }

  /** Whether all of {@code wanted} may occur. */
  static boolean mayHold(byte[] bits, List<Long> wanted) {
    for (long hash : wanted) {
      for (int probe = 0; probe < PROBES; probe++) {
        int bit = bits.length == 0 ? 0 : bit(hash, probe, bits.length);
        if (bits.length == 0 || (bits[bit >> 3] & (1 << (bit & 7))) == 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static int bit(long hash, int probe, int bytes) {
    long mixed = (hash >>> 32) + probe * ((hash & 0xffffffffL) | 1);
    return (int) Long.remainderUnsigned(mixed, bytes * 8L);
  }

  private static long hash(byte[] name, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    return hash(name, bytes, 0, bytes.length);
  }

  /**
   * Values are told apart by the length of their names, and then by themselves: FNV-1a, and then
   * the finalizer of MurmurHash3, both in the public domain.
   */
  private static long hash(byte[] name, byte[] value, int from, int to) {
    long hash = 0xcbf29ce484222325L ^ name.length;
    for (int i = from; i < to; i++) {
      hash = (hash ^ (value[i] & 0xff)) * 0x100000001b3L;
    }
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }
}
