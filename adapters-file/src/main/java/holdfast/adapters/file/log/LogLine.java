package holdfast.adapters.file.log;

import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.json.MalformedJsonException;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader.Line;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A line as JSON and back: one flat object, ended by a newline.
 *
 * <pre>
 *  {"time":"2026-11-26T12:00:00Z","type":"submitted","category":"task","line":1795694400000001, … }
 * </pre>
 *
 * The details follow as members of their own; those whose names are taken are written as {@code
 * data.<name>}. Texts longer than {@value #TEXT_MAX} characters end in an ellipsis there.
 */
final class LogLine {
  /** No line of ours is longer, its newline included. */
  static final int BYTES_MAX = 64 << 10;

  static final int TEXT_MAX = 4_096;
  private static final Set<String> RESERVED = Set.of("time", "type", "category", "line");

  private LogLine() {}

  /** A line with its newline. */
  static byte[] encode(Entry entry, long number) {
    byte[] line = encode(entry, number, true);
    return line.length <= BYTES_MAX ? line : encode(entry, number, false);
  }

  private static byte[] encode(Entry entry, long number, boolean everything) {
    return begin(entry, number, everything).endObject().newline().toByteArray();
  }

  /** A line without its end. */
  static JsonWriter begin(Entry entry, long number, boolean everything) {
    var json = new JsonWriter(512);
    json.beginObject().field("time", entry.at()).field("type", text(entry.type()));
    json.field("category", entry.category().label()).field("line", number);
    entry
        .data()
        .forEach(
            (key, value) -> {
              if (everything || key.equals("taskId") || key.equals("seq")) {
                write(json, RESERVED.contains(key) ? "data." + key : text(key), value);
              }
            });
    if (!everything) {
      json.field("cut", true);
    }
    return json;
  }

  private static void write(JsonWriter json, String name, Object value) {
    switch (value) {
      case Boolean flag -> json.field(name, flag.booleanValue());
      case Byte number -> json.field(name, number.longValue());
      case Short number -> json.field(name, number.longValue());
      case Integer number -> json.field(name, number.longValue());
      case Long number -> json.field(name, number.longValue());
      default -> json.field(name, text(value.toString()));
    }
  }

  /** A text that the writer can write: not too long, without half a character. */
  private static String text(String value) {
    String shown = value.length() > TEXT_MAX ? value.substring(0, TEXT_MAX) + "…" : value;
    for (int i = 0; i < shown.length(); i++) {
      if (Character.isSurrogate(shown.charAt(i))) {
        return new String(shown.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
      }
    }
    return shown;
  }

  /** What every line begins with. */
  record Head(Instant time, String type, long number) {}

  /** What the line in {@code bytes} begins with, or null if it is none of this category. */
  static @Nullable Head head(byte[] bytes, int from, int to, Category category) {
    try {
      return head(new JsonReader(bytes, from, to - from), category);
    } catch (MalformedJsonException _) {
      return null;
    }
  }

  private static @Nullable Head head(JsonReader json, Category category) {
    json.beginObject().member("time");
    Instant time = json.instant();
    String type = json.member("type").text();
    boolean ours = json.member("category").text().equals(category.label());
    long number = json.member("line").number();
    return ours && number > 0 ? new Head(time, type, number) : null;
  }

  /** The line in {@code bytes}, without its newline, or null if none of this category is there. */
  static @Nullable Line decode(byte[] bytes, int from, int to, Category category) {
    try {
      var json = new JsonReader(bytes, from, to - from);
      Head head = head(json, category);
      if (head == null) {
        return null;
      }
      var data = new LinkedHashMap<String, Object>();
      while (json.more()) {
        String name = json.name();
        data.put(name, json.scalar());
      }
      json.endObject();
      json.end();
      return new Line(
          head.number(),
          new Entry(head.time(), category, head.type(), data),
          new String(bytes, from, to - from, StandardCharsets.UTF_8));
    } catch (MalformedJsonException _) {
      return null;
    }
  }
}
