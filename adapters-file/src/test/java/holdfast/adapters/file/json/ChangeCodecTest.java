package holdfast.adapters.file.json;

import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.domain.port.Change;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.task.TaskEvent;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ChangeCodecTest {
  @Test
  void everyChangeOfALifeIsReadBackEqual() {
    for (Change change : SampleTasks.wholeLife(3)) {
      EncodedChange encoded = ChangeCodec.encode(change);
      assertEquals(change, ChangeCodec.decode(encoded));
      assertEquals(change.cause(), ChangeCodec.cause(encoded));
      assertEquals(change.at(), ChangeCodec.at(encoded));
    }
  }

  @Test
  void specificationThatTheAfterImageHasIsNotRepeated() {
    Change.PutTask submitted = SampleTasks.submit(1);
    EncodedChange encoded = ChangeCodec.encode(submitted);
    assertEquals(
        -1,
        new String(
                encoded.payload(), 0, encoded.eventBytes(), java.nio.charset.StandardCharsets.UTF_8)
            .indexOf("spec"));
    var other = new TaskEvent.Patched(SampleTasks.NOON, SampleTasks.elaborateSpec());
    var odd = new Change.PutTask(submitted.task(), other, null);
    assertEquals(odd, ChangeCodec.decode(ChangeCodec.encode(odd)));
  }

  @Test
  void instantsOfAnyPrecisionAreReadBackEqual() {
    for (String text :
        new String[] {
          "2026-11-23T12:00:00Z",
          "2026-11-23T12:00:00.5Z",
          "2026-11-23T12:00:00.000000001Z",
          "1969-12-31T23:59:59.999Z",
          "0000-01-01T00:00:00Z",
          "+12345-06-07T08:09:10.011Z",
          "-0001-06-07T08:09:10Z"
        }) {
      Instant instant = Instant.parse(text);
      byte[] json = new JsonWriter(16).beginObject().field("t", instant).endObject().toByteArray();
      assertEquals(instant, JsonText.instant(JsonText.object(json), "t"));
    }
  }
}
