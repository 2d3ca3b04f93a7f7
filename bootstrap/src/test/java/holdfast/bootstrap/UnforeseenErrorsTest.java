package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class UnforeseenErrorsTest {
  private final List<Map<String, Object>> told = new ArrayList<>();

  @AfterEach
  void tellNobody() {
    UnforeseenErrors.into(_ -> {});
  }

  @Test
  void anErrorOfTheServersOwnCodeIsToldWithItsTraceAndNothingOfLibrariesIs() {
    UnforeseenErrors.into(told::add);
    System.Logger own = System.getLogger("holdfast.adapters.web.FrontDoor");
    own.log(Level.ERROR, "request 7 failed", new IllegalStateException("boom"));
    own.log(Level.DEBUG, "a trifle");
    System.getLogger("io.helidon.webserver").log(Level.ERROR, "not ours");
    assertEquals(1, told.size(), told.toString());
    Map<String, Object> data = told.getFirst();
    assertEquals("request 7 failed", data.get("message"));
    assertEquals("holdfast.adapters.web.FrontDoor", data.get("where"));
    assertEquals("java.lang.IllegalStateException: boom", data.get("error"));
    assertTrue(String.valueOf(data.get("trace")).contains("UnforeseenErrorsTest"), data.toString());
  }

  @Test
  void aTraceWithoutEndIsCut() {
    UnforeseenErrors.into(told::add);
    var deep = new IllegalStateException("x".repeat(100_000));
    System.getLogger("holdfast").log(Level.ERROR, "deep", deep);
    assertTrue(String.valueOf(told.getFirst().get("trace")).length() < 20_000);
  }
}
