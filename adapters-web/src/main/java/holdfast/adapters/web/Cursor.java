package holdfast.adapters.web;

import holdfast.application.Position;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.task.TaskId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.EnumMap;

/**
 * Writes places in lists as opaque text, and reads them back. Nothing is granted by a cursor, so it
 * is checked for its form only.
 *
 * <pre>
 *  entities  base64url( 'e' seconds:i64 nanos:i32 id:20 ascii )
 *  history   base64url( 'h' seq:i64 )
 *  conflicts base64url( 'c' id:ascii )
 *  logs      base64url( 'l' before:i64 floor:i64 of each category )
 *  reports   base64url( 'r' id:ascii )
 * </pre>
 */
final class Cursor {
  private static final int ENTITY_BYTES = 1 + 8 + 4 + TaskId.LENGTH;
  private static final int HISTORY_BYTES = 1 + 8;
  private static final int LOG_BYTES = 1 + 8 + 8 * Category.values().length;

  private Cursor() {}

  static String of(Position position) {
    byte[] bytes = new byte[ENTITY_BYTES];
    Instant createdAt = position.createdAt();
    ByteBuffer.wrap(bytes)
        .put((byte) 'e')
        .putLong(createdAt.getEpochSecond())
        .putInt(createdAt.getNano())
        .put(position.id().getBytes(StandardCharsets.US_ASCII));
    return encode(bytes);
  }

  static String of(long seq) {
    byte[] bytes = new byte[HISTORY_BYTES];
    ByteBuffer.wrap(bytes).put((byte) 'h').putLong(seq);
    return encode(bytes);
  }

  static String ofConflict(String id) {
    return of('c', id);
  }

  static String ofReport(String id) {
    return of('r', id);
  }

  private static String of(char kind, String id) {
    return encode((kind + id).getBytes(StandardCharsets.US_ASCII));
  }

  /**
   * @throws RefusedException with status 400 if {@code cursor} was not made here
   */
  static String conflict(String cursor) {
    return id(cursor, "c[0-9A-Za-z-]{1,100}");
  }

  /**
   * @throws RefusedException with status 400 if {@code cursor} was not made here
   */
  static String report(String cursor) {
    return id(cursor, "r[0-9A-Za-z.:_-]{1,100}");
  }

  private static String id(String cursor, String form) {
    try {
      String text = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.US_ASCII);
      if (text.matches(form)) {
        return text.substring(1);
      }
    } catch (IllegalArgumentException e) {
      throw garbage();
    }
    throw garbage();
  }

  /**
   * @throws RefusedException with status 400 if {@code cursor} was not made here
   */
  static Position position(String cursor) {
    ByteBuffer bytes = decode(cursor, 'e', ENTITY_BYTES);
    long seconds = bytes.getLong();
    int nanos = bytes.getInt();
    byte[] id = new byte[TaskId.LENGTH];
    bytes.get(id);
    String text = new String(id, StandardCharsets.US_ASCII);
    if (nanos < 0 || nanos > 999_999_999 || !TaskId.isValid(text)) {
      throw garbage();
    }
    try {
      return new Position(Instant.ofEpochSecond(seconds, nanos), text);
    } catch (DateTimeException | ArithmeticException e) {
      throw garbage();
    }
  }

  /**
   * @throws RefusedException with status 400 if {@code cursor} was not made here
   */
  static long seq(String cursor) {
    long seq = decode(cursor, 'h', HISTORY_BYTES).getLong();
    if (seq < 1) {
      throw garbage();
    }
    return seq;
  }

  static String of(EventLogReader.Place place) {
    ByteBuffer bytes = ByteBuffer.allocate(LOG_BYTES).put((byte) 'l').putLong(place.before());
    for (Category category : Category.values()) {
      bytes.putLong(place.floors().getOrDefault(category, 0L));
    }
    return encode(bytes.array());
  }

  /**
   * @throws RefusedException with status 400 if {@code cursor} was not made here
   */
  static EventLogReader.Place log(String cursor) {
    ByteBuffer bytes = decode(cursor, 'l', LOG_BYTES);
    long before = bytes.getLong();
    var floors = new EnumMap<Category, Long>(Category.class);
    for (Category category : Category.values()) {
      floors.put(category, bytes.getLong());
    }
    if (before < 1 || floors.values().stream().anyMatch(floor -> floor < 0)) {
      throw garbage();
    }
    return new EventLogReader.Place(before, floors);
  }

  private static String encode(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static ByteBuffer decode(String cursor, char kind, int length) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(cursor));
      if (bytes.remaining() == length && bytes.get() == kind) {
        return bytes;
      }
    } catch (IllegalArgumentException e) {
      throw garbage();
    }
    throw garbage();
  }

  private static RefusedException garbage() {
    return new RefusedException(
        Problem.invalid("?cursor", "was not given out by this server for this list"));
  }
}
