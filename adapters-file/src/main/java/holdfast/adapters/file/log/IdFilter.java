package holdfast.adapters.file.log;

import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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

  private final Set<Long> hashes = new HashSet<>();

  void add(Line line) {
    hashes.add(hash("type", line.entry().type()));
    for (String name : List.of("taskId", "initiativeId")) {
      if (line.entry().data().get(name) instanceof String id) {
        hashes.add(hash(name, id));
      }
    }
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
      wanted.add(hash("type", filter.type()));
    }
    if (filter.taskId() != null) {
      wanted.add(hash("taskId", filter.taskId()));
    }
    if (filter.initiativeId() != null) {
      wanted.add(hash("initiativeId", filter.initiativeId()));
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

  /** FNV-1a, and then the finalizer of MurmurHash3, both in the public domain. */
  private static long hash(String name, String value) {
    long hash = 0xcbf29ce484222325L;
    for (byte next : (name + '\0' + value).getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (next & 0xff)) * 0x100000001b3L;
    }
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }
}
