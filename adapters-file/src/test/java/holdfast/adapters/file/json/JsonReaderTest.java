package holdfast.adapters.file.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonReaderTest {
  private static JsonReader reader(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return new JsonReader(bytes, 0, bytes.length);
  }

  private static void assertRefused(String text, Consumer<JsonReader> read) {
    MalformedJsonException refusal =
        assertThrows(MalformedJsonException.class, () -> read.accept(reader(text)), text);
    assertTrue(String.valueOf(refusal.getMessage()).contains("byte"), refusal.getMessage());
  }

  @Test
  void readsMembersInTheirOrderAndPassesOverAbsentOnes() {
    JsonReader json =
        reader("{\"id\":\"x\",\"run\":-7,\"held\":true,\"env\":{},\"labels\":{\"a\":\"b\"}}");
    assertEquals("x", json.beginObject().member(Member.ID).text());
    assertTrue(!json.has(Member.TITLE));
    assertEquals(-7, json.member(Member.RUN).integer());
    assertTrue(json.member(Member.HELD).flag());
    assertEquals(Map.of(), json.member(Member.ENV).texts());
    assertEquals(Map.of("a", "b"), json.member(Member.LABELS).texts());
    json.endObject();
    json.end();
  }

  @Test
  void numbersOfAllSizesAreReadExactly() {
    for (long number : new long[] {0, 9, 10, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 31}) {
      byte[] json = new JsonWriter(8).value(number).toByteArray();
      assertEquals(number, new JsonReader(json, 0, json.length).number());
    }
    assertRefused("2147483648", JsonReader::integer);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "01",
        "-01",
        "+1",
        "x",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999"
      })
  void whatIsNoWholeNumberOf64BitsIsRefused(String text) {
    assertRefused(text, JsonReader::number);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\"",
        "\"a",
        "\"a\\",
        "\"a\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "a",
        "\"\\n\""
      })
  void malformedTextIsRefused(String text) {
    assertRefused(text, JsonReader::text);
  }

  @Test
  void malformedUtf8IsRefused() {
    byte[] bytes = {'"', 'a', (byte) 0xc3, '"'};
    assertThrows(MalformedJsonException.class, () -> new JsonReader(bytes, 0, bytes.length).text());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"2026-13-01T00:00:00Z\"",
        "\"2026-02-30T00:00:00Z\"",
        "\"2026-01-01T24:00:00Z\"",
        "\"2026-01-01T00:60:00Z\"",
        "\"2026-01-01T00:00:00.12Z\"",
        "\"2026-01-01T00:00:00+01:00\"",
        "\"noon\"",
        "\"\""
      })
  void whatIsNoInstantIsRefused(String text) {
    assertThrows(MalformedJsonException.class, () -> reader(text).instant());
  }

  @Test
  void otherOrderUnknownMembersBlanksAndRepeatedNamesAreRefused() {
    assertRefused("{\"run\":1}", json -> json.beginObject().member(Member.ID));
    assertRefused("{ \"id\":1}", json -> json.beginObject().member(Member.ID));
    assertRefused("{,\"id\":1}", json -> json.beginObject().member(Member.ID));
    assertRefused("{}x", JsonReaderTest::emptyObject);
    assertRefused("{\"id\":1}", JsonReaderTest::emptyObject);
    assertRefused("{\"a\":\"b\",\"a\":\"c\"}", JsonReader::texts);
    assertRefused("{\"a\":\"b\",}", JsonReader::texts);
    assertRefused("{\"a\":\"b\"\"c\":\"d\"}", JsonReader::texts);
    assertRefused("[1 2]", JsonReaderTest::numbers);
    assertRefused("[1,]", JsonReaderTest::numbers);
    assertRefused("[,1]", JsonReaderTest::numbers);
    assertRefused("tru", JsonReader::flag);
    assertRefused("\"RERU\"", json -> json.constant(holdfast.domain.task.OnLost.values()));
    assertRefused("\"RERUNS\"", json -> json.constant(holdfast.domain.task.OnLost.values()));
  }

  private static void emptyObject(JsonReader json) {
    json.beginObject().endObject();
    json.end();
  }

  private static void numbers(JsonReader json) {
    json.beginArray();
    while (json.more()) {
      json.number();
    }
    json.endArray();
  }

  @Test
  void anyTextIsReadBackEqualByThisReaderAndAnother() {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("JsonReaderTest seed " + seed);
    var random = new Random(seed);
    List<String> pieces =
        List.of(
            "\"", "\\", "/", "\u0001", "\u007f", "\n", "é", "\u2028", "漢", "\ud83d\ude00", "plain");
    for (int i = 0; i < 5_000; i++) {
      var text = new StringBuilder();
      for (int length = random.nextInt(12); length > 0; length--) {
        text.append(pieces.get(random.nextInt(pieces.size())));
      }
      byte[] json =
          new JsonWriter(1).beginObject().field("t", text.toString()).endObject().toByteArray();
      assertEquals(text.toString(), TestJson.object(json).getString("t"), "seed " + seed);
      assertEquals(
          text.toString(),
          new JsonReader(json, 0, json.length).beginObject().member("t").text(),
          "seed " + seed);
    }
  }
}
