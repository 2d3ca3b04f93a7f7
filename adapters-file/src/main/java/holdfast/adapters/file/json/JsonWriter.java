package holdfast.adapters.file.json;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes JSON as UTF-8 into a growing array. Written for the commit path, where a general generator
 * costs several times as much; commas are placed by looking at the byte before.
 *
 * <p>Not safe for use by several threads. Text must not contain half surrogate pairs, which the
 * domain's records refuse.
 */
public final class JsonWriter {
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final int BYTES_PER_CHAR_MAX = 6;

  /** Which characters stand for themselves, in one byte. */
  private static final boolean[] PLAIN = new boolean[0x7f];

  static {
    for (int c = 0x20; c < PLAIN.length; c++) {
      PLAIN[c] = c != '"' && c != '\\';
    }
  }

  private byte[] bytes;
  private int length;
  private int textStart;

  public JsonWriter(int bytesExpected) {
    bytes = new byte[bytesExpected];
  }

  public int length() {
    return length;
  }

  public byte[] toByteArray() {
    return Arrays.copyOf(bytes, length);
  }

  /** The array that holds what was written, and room behind it. Nothing may be written after. */
  public byte[] array() {
    return bytes;
  }

  /** Begins another text directly behind the one that is complete. */
  public void nextText() {
    textStart = length;
  }

  public JsonWriter beginObject() {
    separate();
    return raw('{');
  }

  public JsonWriter endObject() {
    return raw('}');
  }

  public JsonWriter beginArray() {
    separate();
    return raw('[');
  }

  public JsonWriter endArray() {
    return raw(']');
  }

  /** The name of the member whose value is written next. */
  JsonWriter name(Member name) {
    separate();
    byte[] quoted = name.quoted();
    reserve(quoted.length);
    System.arraycopy(quoted, 0, bytes, length, quoted.length);
    length += quoted.length;
    return this;
  }

  /** The same for a name that is seldom written. */
  public JsonWriter name(String name) {
    separate();
    quoted(name);
    return raw(':');
  }

  public JsonWriter value(String text) {
    separate();
    quoted(text);
    return this;
  }

  public JsonWriter value(long number) {
    separate();
    return number >= 0 && number < 10 ? raw((char) ('0' + number)) : ascii(Long.toString(number));
  }

  public JsonWriter value(boolean flag) {
    separate();
    return ascii(flag ? "true" : "false");
  }

  public JsonWriter field(String name, String value) {
    return name(name).value(value);
  }

  /** Writes nothing if there is no value. */
  JsonWriter fieldIfPresent(Member name, @Nullable String value) {
    return value == null ? this : name(name).value(value);
  }

  public JsonWriter field(String name, long value) {
    return name(name).value(value);
  }

  public JsonWriter field(String name, boolean value) {
    return name(name).value(value);
  }

  public JsonWriter field(String name, Instant instant) {
    return name(name).value(instant);
  }

  /** An instant as ISO-8601 in UTC, to the nanosecond. */
  JsonWriter value(Instant instant) {
    long seconds = instant.getEpochSecond();
    int nanos = instant.getNano();
    LocalDateTime time = LocalDateTime.ofEpochSecond(seconds, nanos, ZoneOffset.UTC);
    if (time.getYear() < 0 || time.getYear() > 9_999) {
      return value(instant.toString());
    }
    separate();
    raw('"').digits(time.getYear(), 4).raw('-').digits(time.getMonthValue(), 2).raw('-');
    digits(time.getDayOfMonth(), 2).raw('T').digits(time.getHour(), 2).raw(':');
    digits(time.getMinute(), 2).raw(':').digits(time.getSecond(), 2);
    if (nanos != 0) {
      raw('.').digits(nanos, 9);
    }
    return raw('Z').raw('"');
  }

  /** A duration as a number of nanoseconds; the member's name should say so. */
  JsonWriter value(Duration nanos) {
    return value(nanos.toNanos());
  }

  /** An object whose members are all texts. */
  JsonWriter value(Map<String, String> texts) {
    beginObject();
    texts.forEach(this::field);
    return endObject();
  }

  /** Ends a line, after a whole value. */
  public JsonWriter newline() {
    return raw('\n');
  }

  private void separate() {
    if (length > textStart) {
      byte before = bytes[length - 1];
      if (before != '{' && before != '[' && before != ':') {
        raw(',');
      }
    }
  }

  private void quoted(String text) {
    int count = text.length();
    reserve(count + 2);
    byte[] target = bytes;
    int to = length;
    target[to++] = '"';
    int i = 0;
    while (i < count) {
      char c = text.charAt(i);
      if (c >= PLAIN.length || !PLAIN[c]) {
        break;
      }
      target[to++] = (byte) c;
      i++;
    }
    length = to;
    if (i < count) {
      difficult(text, i);
    }
    bytes[length++] = '"';
  }

  /** Writes a text from its first character on that is not plain, and leaves room for the quote. */
  private void difficult(String text, int from) {
    reserve((text.length() - from) * BYTES_PER_CHAR_MAX + 1);
    for (int i = from; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < PLAIN.length && PLAIN[c]) {
        bytes[length++] = (byte) c;
      } else {
        i += special(text, i, c);
      }
    }
  }

  /** Writes a character that is not plain, and returns how many further ones it took along. */
  private int special(String text, int at, char c) {
    if (c == '"' || c == '\\') {
      bytes[length++] = '\\';
      bytes[length++] = (byte) c;
    } else if (c < 0x20 || c == 0x7f) {
      escape(c);
    } else if (c < 0x800) {
      bytes[length++] = (byte) (0xc0 | (c >> 6));
      bytes[length++] = (byte) (0x80 | (c & 0x3f));
    } else if (Character.isHighSurrogate(c) && at + 1 < text.length()) {
      int point = Character.toCodePoint(c, text.charAt(at + 1));
      bytes[length++] = (byte) (0xf0 | (point >> 18));
      bytes[length++] = (byte) (0x80 | ((point >> 12) & 0x3f));
      bytes[length++] = (byte) (0x80 | ((point >> 6) & 0x3f));
      bytes[length++] = (byte) (0x80 | (point & 0x3f));
      return 1;
    } else {
      bytes[length++] = (byte) (0xe0 | (c >> 12));
      bytes[length++] = (byte) (0x80 | ((c >> 6) & 0x3f));
      bytes[length++] = (byte) (0x80 | (c & 0x3f));
    }
    return 0;
  }

  private void escape(char c) {
    bytes[length++] = '\\';
    bytes[length++] = 'u';
    bytes[length++] = '0';
    bytes[length++] = '0';
    bytes[length++] = HEX[c >> 4];
    bytes[length++] = HEX[c & 15];
  }

  private JsonWriter ascii(String text) {
    reserve(text.length());
    for (int i = 0; i < text.length(); i++) {
      bytes[length++] = (byte) text.charAt(i);
    }
    return this;
  }

  private JsonWriter digits(int number, int count) {
    reserve(count);
    int rest = number;
    for (int i = count - 1; i >= 0; i--) {
      bytes[length + i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    length += count;
    return this;
  }

  private JsonWriter raw(char c) {
    reserve(1);
    bytes[length++] = (byte) c;
    return this;
  }

  private void reserve(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
    }
  }
}
