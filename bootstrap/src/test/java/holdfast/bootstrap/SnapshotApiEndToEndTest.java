package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots of the packaged server, by its API. */
class SnapshotApiEndToEndTest {
  private static final String BASE = "/api/snapshots";

  @TempDir Path scratch;

  @Test
  void snapshotsAreMadeShownVerifiedAndRemovedButNotTheNewestTwo() throws Exception {
    try (PackagedServer server = PackagedServer.start(scratch.resolve("data"), Map.of())) {
      ApiClient api = server.client();
      var ids = new ArrayList<String>();
      for (int i = 0; i < 4; i++) {
        api.submit("{\"command\":[\"true\"],\"hold\":true}");
        JsonObject made = ApiClient.expect(201, api.post(BASE, i == 0 ? "" : "{}"));
        assertEquals(i + 1, made.getInt("tasks"));
        assertEquals("manual", made.getString("reason"));
        assertTrue(made.getBoolean("verified"));
        ids.add(made.getString("id"));
        assertEquals(made, api.get(BASE + "/" + made.getString("id")));
      }
      assertEquals(ids.reversed(), listed(api));
      assertEquals(409, delete(api, ids.getLast()));
      assertEquals(409, delete(api, ids.get(2)));
      assertEquals(204, delete(api, ids.getFirst()));
      assertEquals(404, delete(api, ids.getFirst()));
      assertTrue(verified(api, ids.getLast()));
      flip(scratch.resolve("data/state/snapshots/" + ids.get(1) + ".jsonl.zst"));
      assertFalse(verified(api, ids.get(1)));
    }
  }

  @Test
  void whatIsNoSnapshotAndWhatIsNoRequestIsRefused() throws Exception {
    try (PackagedServer server = PackagedServer.start(scratch.resolve("data"), Map.of())) {
      ApiClient api = server.client();
      assertEquals(404, delete(api, "..%2f..%2fINSTANCE"));
      assertEquals(404, delete(api, "20261126T091045.125Z-1-2375"));
      assertEquals(404, api.post(BASE + "/nothing/verify", "{}").statusCode());
      assertEquals(400, api.post(BASE, "{\"reason\":\"mine\"}").statusCode());
      assertEquals(0, listed(api).size());
      assertTrue(Files.exists(scratch.resolve("data/state/INSTANCE")));
    }
  }

  private static List<String> listed(ApiClient api) throws Exception {
    return api.get(BASE).getJsonArray("items").getValuesAs(JsonObject.class).stream()
        .map(snapshot -> snapshot.getString("id"))
        .toList();
  }

  private static int delete(ApiClient api, String id) throws Exception {
    return api.send(api.request(BASE + "/" + id).DELETE().build()).statusCode();
  }

  private static boolean verified(ApiClient api, String id) throws Exception {
    return ApiClient.expect(200, api.post(BASE + "/" + id + "/verify", "{}"))
        .getBoolean("verified");
  }

  private static void flip(Path file) throws Exception {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
  }
}
