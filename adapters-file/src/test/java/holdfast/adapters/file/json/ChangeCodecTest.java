package holdfast.adapters.file.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import holdfast.domain.port.Attribution;
import holdfast.domain.port.Change;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.task.RunTicket;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
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
  void whoAskedIsReadBackEqual() {
    var admin = new Attribution("admin", "127.0.0.1", "POST /api/tasks");
    for (Attribution by : List.of(admin, admin.concerning("1795694400000-x"))) {
      for (Change change :
          List.of(
              SampleTasks.submit(1).by(by),
              SampleTasks.initiative(2, "objective").by(by),
              SampleTasks.purge(SampleTasks.submit(1).task()).by(by))) {
        assertEquals(change, ChangeCodec.decode(ChangeCodec.encode(change)));
      }
    }
  }

  @Test
  void aStartInARunOfItsOwnIsReadBackEqual() {
    Task queued = SampleTasks.submit(1).task().apply(new TaskEvent.Released(SampleTasks.NOON));
    var ticket = new RunTicket("cookie", SampleTasks.OWNER, SampleTasks.HOST, 3);
    Change.PutTask start =
        SampleTasks.change(queued, new TaskEvent.AttemptStarting(SampleTasks.NOON, ticket));
    assertEquals(3, start.task().attempts().getLast().run());
    assertEquals(start, ChangeCodec.decode(ChangeCodec.encode(start)));
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
      assertEquals(instant, Instant.parse(TestJson.object(json).getString("t")));
      var reader = new JsonReader(json, 0, json.length);
      assertEquals(instant, reader.beginObject().member("t").instant());
    }
  }

  @Test
  void everyPayloadIsJsonForOthersToo() {
    for (Change change : SampleTasks.wholeLife(3)) {
      EncodedChange encoded = ChangeCodec.encode(change);
      byte[] payload = encoded.payload();
      int event = encoded.eventBytes();
      int image = event + encoded.imageBytes();
      assertEquals(
          change.cause(), TestJson.object(Arrays.copyOf(payload, event)).getString("type"));
      var after = TestJson.object(Arrays.copyOfRange(payload, event, image));
      assertEquals(change.key().id(), after.getString("id"));
      assertEquals(
          SampleTasks.elaborateSpec().title(), after.getJsonObject("spec").getString("title"));
      if (encoded.idempotencyBytes() > 0) {
        var record = TestJson.object(Arrays.copyOfRange(payload, image, payload.length));
        assertEquals(change.key().id(), record.getString("id"));
      }
    }
  }

  @Test
  void anyByteCutOffOrInsertedIsRefused() {
    EncodedChange encoded = ChangeCodec.encode(SampleTasks.wholeLife(3).getLast());
    byte[] payload = encoded.payload();
    int event = encoded.eventBytes();
    int image = encoded.imageBytes();
    for (int length = 0; length < image; length++) {
      var cut = new EncodedChange(encoded.key(), false, 0, payload, event, 0, length, 0);
      assertThrows(MalformedJsonException.class, () -> ChangeCodec.task(cut, null));
    }
    byte[] longer = Arrays.copyOf(payload, payload.length + 1);
    longer[payload.length] = ' ';
    var more = new EncodedChange(encoded.key(), false, 0, longer, event, 0, image + 1, 0);
    assertThrows(MalformedJsonException.class, () -> ChangeCodec.task(more, null));
  }

  @Test
  void afterImageOfAnotherTaskIsRefused() {
    EncodedChange one = ChangeCodec.encode(SampleTasks.submit(1));
    var mixed =
        new EncodedChange(
            SampleTasks.submit(2).key(),
            false,
            0,
            one.bytes(),
            0,
            one.eventBytes(),
            one.imageBytes(),
            0);
    assertThrows(MalformedJsonException.class, () -> ChangeCodec.task(mixed, null));
  }

  @Test
  void equalValuesOfSeveralTasksAreOneObject() {
    var recurring = new Recurring();
    var life = SampleTasks.wholeLife(3);
    var one = ChangeCodec.task(ChangeCodec.encode(life.get(life.size() - 2)), recurring);
    var two = ChangeCodec.task(ChangeCodec.encode(life.getLast()), recurring);
    assertSame(one.spec().cwd(), two.spec().cwd());
    assertSame(one.attempts().getFirst().owner(), two.attempts().getFirst().owner());
    assertSame(one.attempts().getFirst().host(), two.attempts().getFirst().host());
    assertEquals(one.spec(), two.spec());
  }
}
