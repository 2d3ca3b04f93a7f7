package holdfast.bootstrap.resilience;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a client knows that follows the tasks and one output over many connections: where it has got
 * to, and everything that contradicts "no gap, no duplicate". One thread.
 */
final class Following {
  private static final String TASKS = "t";
  private static final String OUTPUT = "o";
  private static final int CREDIT_BYTES = 64 * 1024;

  private final String epoch;
  private final @Nullable String outputOf;
  private final ByteArrayOutputStream output = new ByteArrayOutputStream();
  private final Map<String, JsonObject> last = new HashMap<>();
  private final List<String> faults = new ArrayList<>();
  private long position;
  private long uncredited;
  private @Nullable JsonObject end;
  private @Nullable JsonObject bye;
  private @Nullable String reset;

  /**
   * @param seq up to which the client knows everything
   * @param outputOf the task whose output is followed from its beginning, or null for none
   */
  Following(String epoch, long seq, @Nullable String outputOf) {
    this.epoch = epoch;
    this.position = seq;
    this.outputOf = outputOf;
  }

  /** From a list of tasks on: the answer of {@code GET /api/tasks}. */
  static Following from(JsonObject list, @Nullable String outputOf) {
    return new Following(epoch(list), list.getJsonNumber("seq").longValue(), outputOf);
  }

  static String epoch(JsonObject list) {
    return list.getString("epoch");
  }

  /** The frames that ask for everything from where it stands. */
  List<JsonObject> subscriptions() {
    var frames = new ArrayList<JsonObject>();
    frames.add(
        subscribe(TASKS, "tasks")
            .add("since", Json.createObjectBuilder().add("epoch", epoch).add("seq", position))
            .build());
    if (outputOf != null && end == null) {
      frames.add(
          subscribe(OUTPUT, "output")
              .add("taskId", outputOf)
              .add("offset", output.size())
              .add("credit", 4 * CREDIT_BYTES)
              .build());
    }
    return frames;
  }

  private static JsonObjectBuilder subscribe(String id, String topic) {
    return Json.createObjectBuilder().add("type", "subscribe").add("id", id).add("topic", topic);
  }

  /** Takes what has arrived; the frame to send in answer, if there is one. */
  @Nullable JsonObject take(LiveSocket.Frame frame) {
    return switch (frame) {
      case LiveSocket.Frame.Message(JsonObject json) -> {
        message(json);
        yield null;
      }
      case LiveSocket.Frame.Piece(long offset, ByteBuffer bytes) -> piece(offset, bytes);
      case LiveSocket.Frame.Closed _ -> null;
    };
  }

  private void message(JsonObject json) {
    switch (json.getString("type")) {
      case "event" -> event(json);
      case "live", "mark" -> position = Math.max(position, json.getJsonNumber("seq").longValue());
      case "subscribed" -> begins(json.getJsonNumber("offset").longValue());
      case "end" -> end = json;
      case "bye" -> bye = json;
      case "reset" -> reset = json.getString("reason");
      case "gap", "error", "snapshot" -> faults.add("was sent " + Checks.shortened(json));
      default -> {
        // Frames may be added to the protocol; those that matter here are above.
      }
    }
  }

  private void event(JsonObject event) {
    long seq = event.getJsonNumber("seq").longValue();
    if (seq <= position) {
      faults.add("event " + seq + " came after " + position);
    }
    position = Math.max(position, seq);
    last.put(event.getString("key"), event);
  }

  private void begins(long offset) {
    if (offset != output.size()) {
      faults.add("output resumed at byte " + offset + " instead of " + output.size());
    }
  }

  private @Nullable JsonObject piece(long offset, ByteBuffer piece) {
    if (offset != output.size()) {
      faults.add("output at byte " + offset + " followed byte " + output.size());
    }
    var bytes = new byte[piece.remaining()];
    piece.get(piece.position(), bytes);
    output.writeBytes(bytes);
    uncredited += bytes.length;
    if (uncredited < CREDIT_BYTES) {
      return null;
    }
    long credit = uncredited;
    uncredited = 0;
    return Json.createObjectBuilder()
        .add("type", "credit")
        .add("id", OUTPUT)
        .add("bytes", credit)
        .build();
  }

  byte[] output() {
    return output.toByteArray();
  }

  int outputBytes() {
    return output.size();
  }

  /** The frame that ended the output, or null while it goes on. */
  @Nullable JsonObject end() {
    return end;
  }

  /** The server's good-bye, or null. */
  @Nullable JsonObject bye() {
    return bye;
  }

  /** Why the list has to be asked for again, or null. */
  @Nullable String reset() {
    return reset;
  }

  /** The seq of the last event of a task, or 0. */
  long seqOf(String task) {
    JsonObject event = last.get(task);
    return event == null ? 0 : event.getJsonNumber("seq").longValue();
  }

  long position() {
    return position;
  }

  List<String> faults() {
    return List.copyOf(faults);
  }
}
