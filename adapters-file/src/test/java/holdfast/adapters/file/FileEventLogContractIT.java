package holdfast.adapters.file;

import holdfast.adapters.file.json.TestJson;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLogContractTest;
import holdfast.domain.port.SampleTasks;
import jakarta.json.JsonNumber;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class FileEventLogContractIT extends EventLogContractTest {
  @TempDir private Path directory;

  @SuppressWarnings("NullAway.Init")
  private FileStorage storage;

  @BeforeEach
  void open() {
    storage =
        FileStorage.open(
            FileStorageSettings.of(
                directory.resolve("data"), InstantSource.fixed(SampleTasks.NOON), _ -> {}));
  }

  @AfterEach
  void close() {
    storage.close();
  }

  @Override
  protected EventLog log() {
    return storage.eventLog();
  }

  @Override
  protected List<EventLog.Entry> read(EventLog.Category category) {
    String name = category.name().toLowerCase(Locale.ROOT);
    Path file = directory.resolve("data/logs").resolve(name).resolve(name + ".jsonl");
    try {
      var entries = new ArrayList<EventLog.Entry>();
      if (Files.exists(file)) {
        for (String line : Files.readAllLines(file)) {
          entries.add(entry(TestJson.object(line.getBytes(StandardCharsets.UTF_8)), category));
        }
      }
      return entries;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static EventLog.Entry entry(JsonObject line, EventLog.Category category) {
    var data = new LinkedHashMap<String, Object>();
    line.forEach((name, value) -> data.put(name, plain(value)));
    data.keySet().removeAll(List.of("time", "type", "category"));
    return new EventLog.Entry(
        java.time.Instant.parse(line.getString("time")), category, line.getString("type"), data);
  }

  private static Object plain(JsonValue value) {
    return switch (value) {
      case JsonString text -> text.getString();
      case JsonNumber number -> number.longValueExact();
      default -> value.equals(JsonValue.TRUE);
    };
  }
}
