package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import org.junit.jupiter.api.Test;

class TaskTokensTest {
  private static final RunRef RUN = new RunRef(new TaskId("0123456789abcdefghjk"), 2, 1);
  private final TaskTokens tokens = new TaskTokens(new byte[32]);

  @Test
  void aTokenNamesItsRunAndNoOther() {
    String token = tokens.of(RUN);
    assertEquals(RUN, tokens.read(token));
    assertEquals(token, new TaskTokens(new byte[32]).of(RUN), "the same after a restart");
    assertNotEquals(token, tokens.of(new RunRef(RUN.task(), 2, 2)));
  }

  @Test
  void whatWasChangedIsNobodys() {
    String token = tokens.of(RUN);
    for (int i = 0; i < token.length(); i++) {
      char other = token.charAt(i) == '1' ? '2' : '1';
      assertNull(tokens.read(token.substring(0, i) + other + token.substring(i + 1)), "at " + i);
    }
    assertNull(tokens.read(token + "A"));
    assertNull(tokens.read(token.replace(".2.1.", ".02.1.")));
    assertNull(tokens.read(token.replace(".2.1.", ".2.0.")));
    assertNull(tokens.read(""));
  }

  @Test
  void anotherKeyKnowsNoneOfThem() {
    byte[] key = new byte[32];
    key[0] = 1;
    assertNull(new TaskTokens(key).read(tokens.of(RUN)));
    assertThrows(IllegalArgumentException.class, () -> new TaskTokens(new byte[31]));
  }
}
