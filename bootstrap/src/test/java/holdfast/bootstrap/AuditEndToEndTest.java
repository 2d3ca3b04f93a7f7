package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The audit trail of the packaged server, across a kill, a restore, and a forgery. */
class AuditEndToEndTest {
  @TempDir private Path scratch;

  private PackagedCommand verify(String... options) throws Exception {
    var arguments = new ArrayList<String>(List.of("audit", "verify"));
    arguments.addAll(List.of("--data-dir", scratch.resolve("data").toString()));
    arguments.addAll(List.of(options));
    return PackagedCommand.run(arguments);
  }

  private static JsonObject verdict(ApiClient api) throws Exception {
    return api.get("/api/audit/verify");
  }

  private static List<JsonObject> entries(ApiClient api) throws Exception {
    var entries = new ArrayList<JsonObject>();
    String cursor = "";
    while (cursor != null) {
      JsonObject page = api.get("/api/logs?category=audit&limit=1000" + cursor);
      entries.addAll(page.getJsonArray("items").getValuesAs(JsonObject.class));
      cursor = page.isNull("nextCursor") ? null : "&cursor=" + page.getString("nextCursor");
    }
    return entries.reversed();
  }

  private static long count(List<JsonObject> entries, String type) {
    return entries.stream().filter(entry -> entry.getString("type").equals(type)).count();
  }

  @Test
  void theTrailIsWholeAcrossAKillAndARestoreAndAForgeryIsFound() throws Exception {
    Path data = scratch.resolve("data");
    // Lines wait a minute: a kill takes all that are not in the journal.
    try (PackagedServer server = PackagedServer.start(data, "--log-flush", "PT1M")) {
      ApiClient api = server.client();
      for (int i = 0; i < 5; i++) {
        api.submit("{\"command\":[\"true\"],\"hold\":true}");
      }
      assertEquals(400, api.post("/api/tasks", "{}").statusCode());
      server.kill();
    }
    PackagedCommand afterKill = verify();
    assertEquals(0, afterKill.exit(), afterKill.toString());
    assertTrue(afterKill.out().contains("5 changes have no entry yet"), afterKill.out());
    assertFalse(afterKill.out().contains("not whole"), afterKill.out());
    // What a power cut may leave behind all that was vouched for.
    Path trail = data.resolve("logs/audit/audit.jsonl");
    Files.writeString(trail, "{\"time\":\"2026-", StandardOpenOption.APPEND);
    PackagedCommand torn = verify();
    assertEquals(0, torn.exit(), torn.toString());
    assertTrue(torn.out().contains("audit.jsonl from line"), torn.out());
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      List<JsonObject> entries = entries(api);
      List<JsonObject> submitted =
          entries.stream().filter(e -> e.getString("type").equals("submitted")).toList();
      assertEquals(5, submitted.size(), entries.toString());
      for (JsonObject entry : submitted) {
        assertEquals("admin", entry.getString("actor"), "who asked was in the journal");
        assertEquals("POST /api/tasks", entry.getString("action"));
        assertTrue(entry.getBoolean("rebuilt"));
      }
      assertEquals(1, count(entries, "trail-cut"), entries.toString());
      JsonObject verdict = verdict(api);
      assertTrue(verdict.getBoolean("ok"), verdict.toString());
      String snapshot = ApiClient.expect(201, api.post("/api/snapshots", "")).getString("id");
      api.submit("{\"command\":[\"true\"],\"hold\":true}");
      ApiClient.expect(
          200,
          api.post(
              "/api/snapshots/" + snapshot + "/restore", "{\"confirm\":\"" + snapshot + "\"}"));
      ApiClient.expect(202, api.post("/api/shutdown", "{\"tasks\":\"keep\"}"));
      assertEquals(0, server.awaitExit());
    }
    PackagedCommand ended = verify();
    assertEquals(0, ended.exit(), ended.toString());
    PackagedCommand whole = PackagedCommand.run("verify", "--data-dir", data.toString());
    assertEquals(0, whole.exit(), whole.toString());
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      List<JsonObject> entries = entries(api);
      assertEquals(1, count(entries, "restored"));
      assertEquals(1, count(entries, "stopped"), "the kill left none");
      assertEquals(0, count(entries, "gap"), entries.toString());
      assertTrue(verdict(api).getBoolean("ok"), verdict(api).toString());
      PackagedCommand busy = verify();
      assertEquals(73, busy.exit(), busy.toString());
      assertEquals(0, server.terminate());
    }
    // One byte of one entry in the middle.
    Path file = data.resolve("logs/audit/audit.jsonl");
    byte[] bytes = Files.readAllBytes(file);
    int line = 0;
    int at = 0;
    while (line < 4) {
      line += bytes[at++] == '\n' ? 1 : 0;
    }
    byte[] forged = bytes.clone();
    forged[at + 40] ^= 1;
    Files.write(file, forged);
    PackagedCommand found = verify();
    assertEquals(1, found.exit(), found.toString());
    assertTrue(
        found.out().startsWith("broken: entry 5 is altered: audit.jsonl, line 5"), found.out());
    assertEquals(1, found.out().lines().count(), found.out());
    PackagedCommand finding = PackagedCommand.run("verify", "--data-dir", data.toString());
    assertEquals(1, finding.exit());
    assertTrue(finding.out().contains("entry 5 is altered"), finding.out());
    try (PackagedServer server = PackagedServer.start(data)) {
      JsonObject verdict = verdict(server.client());
      assertFalse(verdict.getBoolean("ok"));
      JsonObject broken = verdict.getJsonObject("broken");
      assertEquals(5, broken.getInt("index"), broken.toString());
      assertEquals("altered", broken.getString("flaw"));
    }
  }
}
