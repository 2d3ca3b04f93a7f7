package holdfast.adapters.file.json;

import jakarta.json.JsonException;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import jakarta.json.spi.JsonProvider;
import jakarta.json.stream.JsonParser;
import jakarta.json.stream.JsonParserFactory;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads what {@link JsonWriter} wrote. Any thread. */
public final class JsonText {
  private static final JsonParserFactory PARSERS =
      JsonProvider.provider().createParserFactory(Map.of());

  private JsonText() {}

  /**
   * The object that {@code length} bytes from {@code offset} spell.
   *
   * @throws JsonException if they spell anything else
   */
  public static JsonObject object(byte[] bytes, int offset, int length) {
    try (JsonParser parser =
        PARSERS.createParser(
            new ByteArrayInputStream(bytes, offset, length), StandardCharsets.UTF_8)) {
      if (!parser.hasNext() || parser.next() != JsonParser.Event.START_OBJECT) {
        throw new JsonException("expected an object");
      }
      JsonObject object = parser.getObject();
      if (parser.hasNext()) {
        throw new JsonException("expected nothing after the object");
      }
      return object;
    }
  }

  public static JsonObject object(byte[] bytes) {
    return object(bytes, 0, bytes.length);
  }

  static long number(JsonObject object, String name) {
    return object.getJsonNumber(name).longValueExact();
  }

  static int integer(JsonObject object, String name) {
    return object.getJsonNumber(name).intValueExact();
  }

  static @Nullable String textOrNull(JsonObject object, String name) {
    return object.get(name) instanceof JsonString text ? text.getString() : null;
  }

  static @Nullable JsonObject objectOrNull(JsonObject object, String name) {
    return object.get(name) instanceof JsonObject inner ? inner : null;
  }

  static Duration nanos(JsonObject object, String name) {
    return Duration.ofNanos(number(object, name));
  }

  /** The member's instant; the form that {@link JsonWriter} writes is read without a formatter. */
  public static Instant instant(JsonObject object, String name) {
    return instant(object.getString(name));
  }

  static Instant instant(String text) {
    boolean whole = text.length() == 20;
    if (!(whole || text.length() == 30) || text.charAt(text.length() - 1) != 'Z') {
      return Instant.parse(text);
    }
    LocalDateTime time =
        LocalDateTime.of(
            digits(text, 0, 4),
            digits(text, 5, 7),
            digits(text, 8, 10),
            digits(text, 11, 13),
            digits(text, 14, 16),
            digits(text, 17, 19),
            whole ? 0 : digits(text, 20, 29));
    return time.toInstant(ZoneOffset.UTC);
  }

  private static int digits(String text, int from, int to) {
    return Integer.parseInt(text, from, to, 10);
  }

  static Map<String, String> texts(JsonObject object) {
    if (object.isEmpty()) {
      return Map.of();
    }
    var texts = new LinkedHashMap<String, String>();
    for (Map.Entry<String, JsonValue> member : object.entrySet()) {
      texts.put(member.getKey(), ((JsonString) member.getValue()).getString());
    }
    return texts;
  }
}
