package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class StrictJsonTest {
  private static Json.Members read(String text) {
    return StrictJson.object(text.getBytes(StandardCharsets.UTF_8));
  }

  private static Problem refused(String text) {
    return assertThrows(RefusedException.class, () -> read(text), text).problem();
  }

  @Test
  void acceptsEveryKindOfValueAndKeepsNumbersAsWritten() {
    String text = "{\"a\":[1,-2.50,1e400,true,false,null,\"\\u00e4\\ud83d\\ude00\\n\"],\"b\":{}}";
    assertEquals(
        "{\"a\":[1,-2.50,1e400,true,false,null,\"\u00e4\ud83d\ude00\\n\"],\"b\":{}}",
        new String(JsonBytes.compact(read(" " + text + "\n")), StandardCharsets.UTF_8));
  }

  @Test
  void depthIsBounded() {
    String fits =
        "{\"a\":".repeat(StrictJson.DEPTH_MAX - 1) + "{}" + "}".repeat(StrictJson.DEPTH_MAX - 1);
    read(fits);
    assertEquals(ProblemCode.MALFORMED, refused("{\"a\":" + fits + "}").code());
  }

  @Test
  void duplicatesAreFoundAtEveryDepthAndReportedTogether() {
    Problem problem = refused("{\"a\":{\"b\":1,\"b\":2},\"c/d\":1,\"c/d\":2}");
    assertEquals(2, problem.errors().size());
    assertEquals("/a/b", problem.errors().getFirst().pointer());
    assertEquals("/c~1d", problem.errors().getLast().pointer());
  }

  @Test
  void textThatIsNoneIsNamed() {
    assertEquals("/a/0", refused("{\"a\":[\"x\\u0000\"]}").errors().getFirst().pointer());
    assertTrue(refused("{\"a\":\"\\ud800\"}").detail().contains("surrogate"));
    assertTrue(refused("{\"\\udfff\":1}").detail().contains("surrogate"));
  }

  @Test
  void theNumberOfComplaintsIsBounded() {
    var text = new StringBuilder("{\"a\":0");
    for (int i = 0; i < 1_000; i++) {
      text.append(",\"a\":0");
    }
    assertEquals(100, refused(text.append('}').toString()).errors().size());
  }
}
