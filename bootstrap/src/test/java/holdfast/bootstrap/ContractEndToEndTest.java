package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged server gives out its own contract, and whatever can be read by it is there. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ContractEndToEndTest {
  @TempDir private Path scratch;

  @Test
  void whatTheDocumentsNameIsThere() throws Exception {
    try (PackagedServer server = PackagedServer.start(scratch.resolve("data"))) {
      ApiClient api = server.client();
      assertEquals("3.0.0", api.get("/asyncapi.json").getString("asyncapi"));
      JsonObject openApi = api.get("/openapi.json");
      assertEquals("3.1.0", openApi.getString("openapi"));
      JsonObject paths = openApi.getJsonObject("paths");
      var read = new ArrayList<String>();
      for (String path : paths.keySet()) {
        JsonObject operation = paths.getJsonObject(path).getJsonObject("get");
        if (operation != null && !path.contains("{")) {
          HttpResponse<String> answer = api.send(api.request(path).GET().build());
          assertTrue(
              operation
                  .getJsonObject("responses")
                  .containsKey(Integer.toString(answer.statusCode())),
              path + " is answered with " + answer.statusCode() + " " + answer.body());
          read.add(path);
        }
      }
      assertTrue(read.size() > 15, read.toString());
    }
  }
}
