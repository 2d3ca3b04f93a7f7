package holdfast.adapters.file.log;

import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader.Line;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An entry of the audit trail: a {@linkplain LogLine line} of the category audit that ends in its
 * place in the chain.
 *
 * <pre>
 *  {"time":"…","type":"submitted","category":"audit","line":1795694400000001,"actor":"admin",
 *   "from":"127.0.0.1","action":"POST /api/tasks","target":"…","result":"ok","seq":37,"revision":1,
 *   "entity":"task","index":41,"through":37,"prev":"9c…","hash":"5b…"}
 * </pre>
 *
 * <p>{@code hash} is the SHA-256 of all bytes before {@code ,"hash"}, in lower-case hex; {@code
 * prev} is the hash of the entry before, so that it is of that one too, and of all before it.
 * {@code index} counts from 1; up to {@code through} changes have entries.
 *
 * @param head the end of a chain that ends with it
 */
record AuditLine(Line line, Head head, String previous) {
  private static final byte[] HASH = ",\"hash\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final int DIGITS = 64;

  /** A line with its newline, and the end of the chain behind it. */
  record Encoded(@SuppressWarnings("ArrayRecordComponent") byte[] bytes, Head head) {}

  /** The details of an entry, as they are written before its place in the chain. */
  static Map<String, Object> details(AuditTrail.Entry entry) {
    var data = new LinkedHashMap<String, Object>();
    data.put("actor", entry.by().actor());
    data.put("from", entry.by().from());
    data.put("action", entry.by().action());
    if (entry.target() != null) {
      data.put("target", entry.target());
    }
    data.put("result", entry.result());
    if (entry.seq() > 0) {
      data.put("seq", entry.seq());
    }
    if (entry.revision() > 0) {
      data.put("revision", entry.revision());
    }
    data.putAll(entry.details());
    return data;
  }

  /** The entry that comes behind {@code before}. */
  static Encoded encode(Entry entry, long number, Head before) {
    Encoded whole = encode(entry, number, before, true);
    return whole.bytes().length <= LogLine.BYTES_MAX ? whole : encode(entry, number, before, false);
  }

  private static Encoded encode(Entry entry, long number, Head before, boolean everything) {
    long seq = entry.data().get("seq") instanceof Long given ? given : before.seq();
    JsonWriter json = LogLine.begin(entry, number, everything);
    json.field("index", before.index() + 1).field("through", seq).field("prev", before.hash());
    int length = json.length();
    String hash = Digest.of(json.array(), 0, length).toString();
    byte[] line = json.field("hash", hash).endObject().newline().toByteArray();
    return new Encoded(line, new Head(before.index() + 1, hash, seq));
  }

  /** The entry in {@code bytes}, without its newline, or null if it is not as it was written. */
  static @Nullable AuditLine check(byte[] bytes, int from, int to) {
    int length = to - from - HASH.length - DIGITS - 2;
    if (length <= 0 || !isChained(bytes, from, to)) {
      return null;
    }
    Line line = LogLine.decode(bytes, from, to, Category.AUDIT);
    AuditLine found = line == null ? null : of(line);
    return found != null && found.head().hash().equals(Digest.of(bytes, from, length).toString())
        ? found
        : null;
  }

  /** Whether it is a line of a version that kept no trail. */
  static boolean isOfBefore(byte[] bytes, int from, int to) {
    return !isChained(bytes, from, to) && LogLine.decode(bytes, from, to, Category.AUDIT) != null;
  }

  /** Whether a line ends as an entry of the chain does. */
  private static boolean isChained(byte[] bytes, int from, int to) {
    int at = to - 2 - DIGITS - HASH.length;
    return at >= from && Arrays.equals(bytes, at, at + HASH.length, HASH, 0, HASH.length);
  }

  /** What a line says of its place in the chain, unchecked; null if it says nothing. */
  static @Nullable AuditLine of(Line line) {
    Map<String, Object> data = line.entry().data();
    return data.get("index") instanceof Long index
            && data.get("through") instanceof Long seq
            && data.get("prev") instanceof String previous
            && data.get("hash") instanceof String hash
        ? new AuditLine(line, new Head(index, hash, seq), previous)
        : null;
  }

  /** The seq of the change that it is about; 0 if it is about none. */
  long change() {
    return line.entry().data().get("seq") instanceof Long seq
            && AuditTrail.Entry.isChange(line.entry().type())
        ? seq
        : 0;
  }

  /** Whether it is the entry of this change, made at once or later. */
  boolean isOf(AuditTrail.Entry change) {
    Map<String, Object> expected = details(change);
    return line.entry().at().equals(change.at())
        && line.entry().type().equals(change.type())
        && expected.entrySet().stream()
            .allMatch(detail -> detail.getValue().equals(line.entry().data().get(detail.getKey())));
  }
}
