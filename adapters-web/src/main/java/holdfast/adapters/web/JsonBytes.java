package holdfast.adapters.web;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts rendered pieces of JSON together. For one thread. */
final class JsonBytes {
  private static final String HEX = "0123456789abcdef";

  private byte[] bytes;
  private int length;

  JsonBytes(int expected) {
    bytes = new byte[expected];
  }

  /** A value as JSON without white space between its tokens. */
  static byte[] compact(Json value) {
    return new JsonBytes(512).value(value).toBytes();
  }

  private JsonBytes value(Json value) {
    switch (value) {
      case Json.Members(Map<String, Json> members) -> {
        String separator = "{";
        for (Map.Entry<String, Json> member : members.entrySet()) {
          ascii(separator).text(member.getKey()).ascii(":").value(member.getValue());
          separator = ",";
        }
        ascii(members.isEmpty() ? "{}" : "}");
      }
      case Json.Elements(List<Json> elements) -> {
        String separator = "[";
        for (Json element : elements) {
          ascii(separator).value(element);
          separator = ",";
        }
        ascii(elements.isEmpty() ? "[]" : "]");
      }
      case Json.Text(String text) -> text(text);
      case Json.Numeral(String literal) -> ascii(literal);
      case Json.Truth(boolean truth) -> ascii(truth ? "true" : "false");
      case Json.Null _ -> ascii("null");
    }
    return this;
  }

  /** Appends ASCII as it stands. */
  @SuppressWarnings("deprecation") // The one method that copies ASCII without an encoder.
  JsonBytes ascii(String text) {
    int size = text.length();
    reserve(size);
    text.getBytes(0, size, bytes, length);
    length += size;
    return this;
  }

  JsonBytes raw(byte[] json) {
    reserve(json.length);
    System.arraycopy(json, 0, bytes, length, json.length);
    length += json.length;
    return this;
  }

  /** Appends text as it stands. */
  JsonBytes utf8(String json) {
    return raw(json.getBytes(StandardCharsets.UTF_8));
  }

  JsonBytes number(long value) {
    return ascii(Long.toString(value));
  }

  /** Appends a string literal, or {@code null}. */
  JsonBytes text(@Nullable String value) {
    if (value == null) {
      return ascii("null");
    }
    ascii("\"");
    int plainFrom = 0;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\' || c < ' ') {
        utf8(value, plainFrom, i);
        escape(c);
        plainFrom = i + 1;
      }
    }
    utf8(value, plainFrom, value.length());
    return ascii("\"");
  }

  int length() {
    return length;
  }

  byte[] toBytes() {
    return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
  }

  private void escape(char c) {
    switch (c) {
      case '"' -> ascii("\\\"");
      case '\\' -> ascii("\\\\");
      case '\n' -> ascii("\\n");
      case '\r' -> ascii("\\r");
      case '\t' -> ascii("\\t");
      default -> ascii("\\u00" + HEX.charAt(c >> 4) + HEX.charAt(c & 15));
    }
  }

  private void utf8(String value, int from, int to) {
    if (from < to) {
      raw(value.substring(from, to).getBytes(StandardCharsets.UTF_8));
    }
  }

  private void reserve(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(length + more, bytes.length * 2));
    }
  }
}
