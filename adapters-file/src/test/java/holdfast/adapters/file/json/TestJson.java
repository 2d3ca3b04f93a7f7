package holdfast.adapters.file.json;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;

/** Reads JSON by a library that owes nothing to this module's own reader. */
public final class TestJson {
  private TestJson() {}

  public static JsonObject object(String text) {
    try (JsonReader reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }

  public static JsonObject object(byte[] utf8) {
    return object(new String(utf8, StandardCharsets.UTF_8));
  }
}
