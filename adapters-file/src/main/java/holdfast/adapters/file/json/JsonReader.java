package holdfast.adapters.file.json;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what {@link JsonWriter} wrote, in the order in which it was written: the caller says which
 * member comes next, so nothing is looked up and nothing is built but the values. Written for the
 * start, which reads every task there is.
 *
 * <p>Strict: members in another order, unknown ones, blanks, fractions, numbers out of range,
 * malformed UTF-8 and bytes behind the end are refused. A value may be read only once. Not safe for
 * use by several threads.
 *
 * <p>Every method throws {@link MalformedJsonException}, naming the byte and what was expected, if
 * something else stands there.
 */
public final class JsonReader {
  private static final int SECONDS_PER_DAY = 86_400;
  private static final int CHARACTER_BYTES_MAX = 4;

  private final byte[] bytes;
  private final int start;
  private final int limit;
  private final @Nullable Recurring recurring;
  private int at;

  /** Reads {@code length} bytes from {@code offset}. */
  public JsonReader(byte[] bytes, int offset, int length) {
    this(bytes, offset, length, null);
  }

  /**
   * @param recurring makes equal values one object; null leaves them as they are
   */
  public JsonReader(byte[] bytes, int offset, int length, @Nullable Recurring recurring) {
    this.bytes = bytes;
    this.recurring = recurring;
    start = offset;
    limit = offset + length;
    at = offset;
  }

  public JsonReader beginObject() {
    expect('{');
    return this;
  }

  public void endObject() {
    expect('}');
  }

  public JsonReader beginArray() {
    expect('[');
    return this;
  }

  public void endArray() {
    expect(']');
  }

  /** Nothing may follow. */
  public void end() {
    if (at != limit) {
      throw expected("the end");
    }
  }

  /** Whether a further element or member follows; if so, it is what is read next. */
  public boolean more() {
    byte next = peek();
    if (next == ']' || next == '}') {
      return false;
    }
    if (!isFirst()) {
      expect(',');
    }
    return true;
  }

  /** The next member must be {@code name}; its value is read next. */
  JsonReader member(Member name) {
    if (!has(name)) {
      throw expected("the member " + name);
    }
    return this;
  }

  /** The same for a name that is seldom read. */
  public JsonReader member(String name) {
    if (!has(name)) {
      throw expected("the member " + name);
    }
    return this;
  }

  /** Whether the next member is {@code name}; if so, its value is read next. */
  boolean has(Member name) {
    return has(name.quoted());
  }

  /** The same for a name that is seldom read. */
  public boolean has(String name) {
    int from = memberBegin();
    int to = from + name.length() + 3;
    if (from < 0 || to > limit || bytes[from] != '"' || bytes[to - 2] != '"') {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (bytes[from + 1 + i] != name.charAt(i)) {
        return false;
      }
    }
    if (bytes[to - 1] != ':') {
      return false;
    }
    at = to;
    return true;
  }

  private boolean has(byte[] quoted) {
    int from = memberBegin();
    int to = from + quoted.length;
    if (from < 0
        || to > limit
        || !java.util.Arrays.equals(bytes, from, to, quoted, 0, quoted.length)) {
      return false;
    }
    at = to;
    return true;
  }

  /** Where the next member begins, or -1 if none can. */
  private int memberBegin() {
    if (isFirst()) {
      return at;
    }
    return at < limit && bytes[at] == ',' ? at + 1 : -1;
  }

  /** The name of the next member, whatever it is; its value is read next. Behind {@link #more}. */
  public String name() {
    String name = text();
    expect(':');
    return name;
  }

  /** A text, a number or a flag, as a String, Long or Boolean. */
  public Object scalar() {
    byte next = peek();
    if (next == '"') {
      return text();
    }
    return next == 't' || next == 'f' ? (Object) flag() : (Object) number();
  }

  /** Whether an object or an array has just begun. */
  private boolean isFirst() {
    return at > start && (bytes[at - 1] == '{' || bytes[at - 1] == '[');
  }

  public long number() {
    int from = at;
    boolean negative = at < limit && bytes[at] == '-';
    if (negative) {
      at++;
    }
    int digits = at;
    long value = 0;
    while (at < limit && bytes[at] >= '0' && bytes[at] <= '9') {
      int digit = bytes[at] - '0';
      // Counted downwards, for the smallest number has no positive counterpart.
      if (value < (Long.MIN_VALUE + digit) / 10) {
        throw expected("a number of 64 bits", from);
      }
      value = value * 10 - digit;
      at++;
    }
    boolean wrong =
        at == digits
            || (bytes[digits] == '0' && at > digits + 1)
            || (!negative && value == Long.MIN_VALUE);
    if (wrong) {
      throw expected("a whole number", from);
    }
    return negative ? value : -value;
  }

  public int integer() {
    int from = at;
    long value = number();
    if (value != (int) value) {
      throw expected("a number of 32 bits", from);
    }
    return (int) value;
  }

  public boolean flag() {
    if (peek() == 't') {
      literal("true");
      return true;
    }
    literal("false");
    return false;
  }

  private void literal(String text) {
    int from = at;
    for (int i = 0; i < text.length(); i++) {
      if (at == limit || bytes[at++] != text.charAt(i)) {
        throw expected(text, from);
      }
    }
  }

  public String text() {
    return text(null);
  }

  private String text(@Nullable Recurring texts) {
    int from = at;
    expect('"');
    boolean ascii = true;
    boolean escaped = false;
    while (peek() != '"') {
      byte next = bytes[at++];
      if (next == '\\') {
        escaped = true;
        peek();
        at++;
      } else if (next < 0) {
        ascii = false;
      } else if (next < 0x20) {
        throw expected("text without control characters", from);
      }
    }
    int length = at - from - 1;
    at++;
    if (ascii && !escaped) {
      return texts == null
          ? new String(bytes, from + 1, length, StandardCharsets.ISO_8859_1)
          : texts.text(bytes, from + 1, length);
    }
    String raw = utf8(from + 1, length);
    String text = escaped ? unescaped(raw, from) : raw;
    return texts == null ? text : texts.one(text);
  }

  /** The same, as one object with every equal text read this way. */
  String recurringText() {
    return text(recurring);
  }

  /** One object for all equal values, if the reader was made to care. */
  <T> T recurring(T value) {
    return recurring == null ? value : recurring.one(value);
  }

  private String utf8(int from, int length) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes, from, length))
          .toString();
    } catch (CharacterCodingException e) {
      throw new MalformedJsonException("malformed UTF-8 behind byte " + (from - start), e);
    }
  }

  private String unescaped(String raw, int from) {
    var text = new StringBuilder(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c == '\\') {
        c = raw.charAt(++i);
        if (c == 'u' && i + 4 < raw.length()) {
          c = hex(raw, i + 1, from);
          i += 4;
        } else if (c != '"' && c != '\\') {
          throw expected("\\\", \\\\ or \\u and four hexadecimal digits", from);
        }
      }
      text.append(c);
    }
    return text.toString();
  }

  private char hex(String raw, int at, int from) {
    int value = 0;
    for (int i = at; i < at + 4; i++) {
      int digit = Character.digit(raw.charAt(i), 16);
      if (digit < 0) {
        throw expected("four hexadecimal digits behind \\u", from);
      }
      value = value * 16 + digit;
    }
    return (char) value;
  }

  /** The constant whose name is written. */
  public <E extends Enum<E>> E constant(E[] constants) {
    int from = at;
    expect('"');
    for (E constant : constants) {
      if (isQuoted(constant.name())) {
        at += constant.name().length() + 1;
        return constant;
      }
    }
    throw expected("one of " + java.util.List.of(constants), from);
  }

  private boolean isQuoted(String name) {
    int length = name.length();
    if (limit - at <= length || bytes[at + length] != '"') {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (bytes[at + i] != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  Duration nanos() {
    return recurring(Duration.ofNanos(number()));
  }

  /** An instant, in the form that {@link JsonWriter} writes without a formatter being involved. */
  public Instant instant() {
    int from = at;
    try {
      boolean isUsual = limit - at > 21 && bytes[at + 5] == '-' && bytes[at + 11] == 'T';
      return recurring(isUsual ? usualInstant() : Instant.parse(text()));
    } catch (DateTimeException e) {
      throw new MalformedJsonException("no instant at byte " + (from - start), e);
    }
  }

  private Instant usualInstant() {
    expect('"');
    int year = digits(4);
    expect('-');
    int month = digits(2);
    expect('-');
    long day = LocalDate.of(year, month, digits(2)).toEpochDay();
    expect('T');
    int seconds = below(24) * 3_600;
    expect(':');
    seconds += below(60) * 60;
    expect(':');
    seconds += below(60);
    int nanos = 0;
    if (peek() == '.') {
      at++;
      nanos = digits(9);
    }
    expect('Z');
    expect('"');
    return Instant.ofEpochSecond(day * SECONDS_PER_DAY + seconds, nanos);
  }

  private int below(int bound) {
    int from = at;
    int value = digits(2);
    if (value >= bound) {
      throw expected("a number below " + bound, from);
    }
    return value;
  }

  private int digits(int count) {
    int from = at;
    int value = 0;
    for (int i = 0; i < count; i++) {
      byte digit = peek();
      if (digit < '0' || digit > '9') {
        throw expected(count + " digits", from);
      }
      value = value * 10 + digit - '0';
      at++;
    }
    return value;
  }

  /** An object whose members are all texts, in the order written. */
  Map<String, String> texts() {
    beginObject();
    if (!more()) {
      endObject();
      return Map.of();
    }
    var texts = new LinkedHashMap<String, String>();
    do {
      int from = at;
      String name = recurringText();
      expect(':');
      if (texts.put(name, recurringText()) != null) {
        throw expected("a name not used before", from);
      }
    } while (more());
    endObject();
    return texts;
  }

  private byte peek() {
    if (at >= limit) {
      throw expected("more");
    }
    return bytes[at];
  }

  private void expect(char c) {
    if (at >= limit || bytes[at] != c) {
      throw expected("'" + c + "'");
    }
    at++;
  }

  private MalformedJsonException expected(String what) {
    return expected(what, at);
  }

  /** Names one character of what was found, and no more of it: it may be a secret. */
  private MalformedJsonException expected(String what, int where) {
    int to = Math.min(limit, where + CHARACTER_BYTES_MAX);
    String found =
        where >= limit
            ? "the end"
            : "'"
                + Character.toString(
                    new String(bytes, where, to - where, StandardCharsets.UTF_8).codePointAt(0))
                + "'";
    return new MalformedJsonException(
        "expected " + what + " at byte " + (where - start) + ", found " + found);
  }
}
