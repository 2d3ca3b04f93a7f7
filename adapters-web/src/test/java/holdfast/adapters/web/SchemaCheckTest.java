package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What holds the server to its schemas, held to them itself. */
class SchemaCheckTest {

  private static List<String> flaws(String schema, String value) {
    Json of = StrictJson.object("{\"v\":" + value + "}").values().get("v");
    Json by = StrictJson.object("{\"s\":" + schema + "}").values().get("s");
    return SchemaCheck.flaws(of, new ContractNode("openapi.json", by));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\u0001',
      value = {
        "{\"type\":\"string\"}|\"x\"|7",
        "{\"type\":[\"string\",\"null\"]}|null|7",
        "{\"type\":\"integer\"}|-3|1.5",
        "{\"type\":\"integer\"}|3|1e3",
        "{\"type\":\"number\"}|1.5|\"1.5\"",
        "{\"type\":\"boolean\"}|true|\"true\"",
        "{\"type\":\"array\"}|[]|{}",
        "{\"type\":\"object\"}|{}|[]",
        "{\"type\":\"object\"}|{}|{\"a\":1}",
        "{\"enum\":[\"a\",null]}|null|\"b\"",
        "{\"const\":1}|1|2",
        "{\"minimum\":1}|1|0",
        "{\"maximum\":9007199254740993}|9007199254740993|9007199254740994",
        "{\"minLength\":1}|\"a\"|\"\"",
        "{\"maxLength\":1}|\"a\"|\"ab\"",
        "{\"pattern\":\"^a+$\"}|\"aa\"|\"ab\"",
        "{\"format\":\"date-time\"}|\"2026-11-26T12:00:00Z\"|\"2026-11-26\"",
        "{\"format\":\"duration\"}|\"PT1S\"|\"1s\"",
        "{\"format\":\"int64\"}|9223372036854775807|9223372036854775808",
        "{\"items\":{\"type\":\"string\"}}|[\"a\"]|[\"a\",1]",
        "{\"prefixItems\":[{\"const\":1}],\"items\":{\"const\":2}}|[1,2,2]|[1,1]",
        "{\"minItems\":1}|[1]|[]",
        "{\"maxItems\":0}|[]|[1]",
        "{\"properties\":{\"a\":{\"const\":1}}}|{\"a\":1}|{\"a\":2}",
        "{\"properties\":{\"a\":{\"const\":1}}}|{}|{\"b\":1}",
        "{\"type\":\"object\",\"additionalProperties\":true}|{\"b\":1}|7",
        "{\"properties\":{},\"additionalProperties\":false}|{}|{\"b\":1}",
        "{\"additionalProperties\":{\"const\":1}}|{\"b\":1}|{\"b\":2}",
        "{\"required\":[\"a\"]}|{\"a\":1}|{\"b\":1}",
        "{\"maxProperties\":1}|{\"a\":1}|{\"a\":1,\"b\":2}",
        "{\"propertyNames\":{\"minLength\":1}}|{\"a\":1}|{\"\":1}",
        "{\"oneOf\":[{\"const\":1},{\"const\":2}]}|2|3",
        "{\"oneOf\":[{\"const\":1},{\"type\":\"integer\"}]}|2|1",
        "{\"$ref\":\"#/components/schemas/Id\"}|\"3cyd3r1p81ve9k40zjyh\"|\"3cyd3r1p81ve9k40zjyi\"",
        "{\"items\":{\"properties\":{\"a\":{\"items\":{\"const\":1}}}}}|[{\"a\":[1]}]|[{\"a\":[2]}]",
      })
  void eachKeywordLetsPassAndRefuses(String schema, String good, String bad) {
    assertEquals(List.of(), flaws(schema, good));
    assertEquals(1, flaws(schema, bad).size(), bad);
  }

  @Test
  void aFlawIsToldWithItsPlace() {
    assertEquals(
        List.of("/a/1/b is missing"),
        flaws(
            "{\"properties\":{\"a\":{\"items\":{\"required\":[\"b\"]}}}}",
            "{\"a\":[{\"b\":1},{}]}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\u0001',
      value = {
        "{\"anyOf\":[]}|1",
        "{\"properties\":{\"a\":{\"nullable\":true}}}|{\"a\":1}",
        "{\"type\":\"int\"}|1",
        "{\"format\":\"uuid\"}|\"x\"",
      })
  void whatIsNotKnownIsNoLeave(String schema, String value) {
    assertThrows(IllegalArgumentException.class, () -> flaws(schema, value));
  }

  @Test
  void aReferenceLeadsSomewhereAndStandsAlone() {
    assertThrows(AssertionError.class, () -> flaws("{\"$ref\":\"#/components/schemas/No\"}", "1"));
    AssertionError beside =
        assertThrows(
            AssertionError.class,
            () -> flaws("{\"$ref\":\"#/components/schemas/Id\",\"type\":\"string\"}", "\"x\""));
    assertTrue(beside.getMessage().contains("beside"), beside.getMessage());
  }
}
