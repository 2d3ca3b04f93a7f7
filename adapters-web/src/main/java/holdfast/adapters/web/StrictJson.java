package holdfast.adapters.web;

import jakarta.json.spi.JsonProvider;
import jakarta.json.stream.JsonParser;
import jakarta.json.stream.JsonParserFactory;
import jakarta.json.stream.JsonParsingException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * Reads one JSON text and nothing else. Refuses what lenient readers let pass: invalid UTF-8, a
 * second member of the same name, anything behind the end, nesting deeper than {@value #DEPTH_MAX},
 * NUL characters and halves of surrogate pairs.
 *
 * <p>Safe for use by several threads.
 */
final class StrictJson {
  static final int DEPTH_MAX = 64;

  private static final JsonParserFactory PARSERS =
      JsonProvider.provider().createParserFactory(Map.of());
  private static final Json.Null NULL = new Json.Null();
  private static final Json.Truth TRUE = new Json.Truth(true);
  private static final Json.Truth FALSE = new Json.Truth(false);

  private final JsonParser parser;
  private final Violations violations = new Violations();

  private StrictJson(JsonParser parser) {
    this.parser = parser;
  }

  /**
   * Reads an object.
   *
   * @throws RefusedException with status 400 and every violation that could be found
   */
  static Json.Members object(byte[] utf8) {
    return object(decode(utf8));
  }

  /** Like {@link #object(byte[])}, for text that is decoded already. */
  static Json.Members object(String text) {
    if (text.isBlank()) {
      throw malformed("the body is empty; a JSON object is expected");
    }
    Json value = read(text);
    if (value instanceof Json.Members members) {
      return members;
    }
    throw malformed("is " + value.kind() + "; a JSON object is expected");
  }

  private static Json read(String text) {
    try (JsonParser parser = PARSERS.createParser(new StringReader(text))) {
      var reader = new StrictJson(parser);
      Json value = reader.value(parser.next(), "", 1);
      if (parser.hasNext()) {
        throw malformed("something follows behind the end of the JSON text");
      }
      reader.violations.refuseIfAny();
      return value;
    } catch (JsonParsingException e) {
      var at = e.getLocation();
      throw malformed(
          "is not JSON: line " + at.getLineNumber() + ", column " + at.getColumnNumber());
    } catch (NoSuchElementException | IllegalStateException e) {
      throw malformed("is not JSON: it ends too early");
    }
  }

  private static String decode(byte[] utf8) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw malformed("is not valid UTF-8");
    }
  }

  private Json value(JsonParser.Event event, String pointer, int depth) {
    if (depth > DEPTH_MAX) {
      throw malformed("is nested deeper than " + DEPTH_MAX + " levels");
    }
    return switch (event) {
      case START_OBJECT -> members(pointer, depth);
      case START_ARRAY -> elements(pointer, depth);
      case VALUE_STRING -> new Json.Text(text(parser.getString(), pointer));
      case VALUE_NUMBER -> new Json.Numeral(parser.getString());
      case VALUE_TRUE -> TRUE;
      case VALUE_FALSE -> FALSE;
      case VALUE_NULL -> NULL;
      case KEY_NAME, END_OBJECT, END_ARRAY ->
          throw new IllegalStateException("the parser gave " + event + " for a value");
    };
  }

  private Json.Members members(String pointer, int depth) {
    Map<String, Json> values = new LinkedHashMap<>();
    while (parser.next() == JsonParser.Event.KEY_NAME) {
      String name = parser.getString();
      String memberPointer = Violations.pointer(pointer, name);
      text(name, memberPointer);
      Json value = value(parser.next(), memberPointer, depth + 1);
      if (values.putIfAbsent(name, value) != null) {
        violations.add(memberPointer, "occurs twice");
      }
    }
    return new Json.Members(values);
  }

  private Json.Elements elements(String pointer, int depth) {
    List<Json> values = new ArrayList<>();
    JsonParser.Event event = parser.next();
    while (event != JsonParser.Event.END_ARRAY) {
      values.add(value(event, pointer + '/' + values.size(), depth + 1));
      event = parser.next();
    }
    return new Json.Elements(values);
  }

  private String text(String text, String pointer) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        violations.add(pointer, "contains a NUL character");
        return text;
      }
      if (Character.isSurrogate(c)) {
        if (i + 1 == text.length() || !Character.isSurrogatePair(c, text.charAt(i + 1))) {
          violations.add(pointer, "contains half of a surrogate pair, which is no text");
          return text;
        }
        i++;
      }
    }
    return text;
  }

  private static RefusedException malformed(String detail) {
    var violations = new Violations();
    violations.add("", detail);
    return new RefusedException(Problem.malformed(violations.all()));
  }
}
