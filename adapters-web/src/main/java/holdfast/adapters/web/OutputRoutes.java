package holdfast.adapters.web;

import holdfast.application.Following;
import holdfast.application.Holdfast;
import holdfast.application.Outputs.Opening;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.TaskId;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** {@code /api/tasks/{id}/output}: what commands wrote, as bytes and as a stream of events. */
final class OutputRoutes {
  static final Map<String, OutputStreamName> STREAMS =
      Map.of(
          "merged", OutputStreamName.MERGED,
          "stdout", OutputStreamName.STDOUT,
          "stderr", OutputStreamName.STDERR);

  private static final HeaderName END = HeaderNames.create("Holdfast-Output-End");
  private static final HeaderName COMPLETE = HeaderNames.create("Holdfast-Output-Complete");
  private static final HeaderName ATTEMPT = HeaderNames.create("Holdfast-Output-Attempt");
  private static final HeaderName LAST_EVENT_ID = HeaderNames.create("Last-Event-ID");
  private static final Header BYTES =
      HeaderValues.createCached(HeaderNames.CONTENT_TYPE, "application/octet-stream");
  private static final Header RANGES =
      HeaderValues.createCached(HeaderNames.ACCEPT_RANGES, "bytes");
  private static final Header EVENTS =
      HeaderValues.createCached(HeaderNames.CONTENT_TYPE, "text/event-stream");
  private static final Set<String> PARAMETERS = Set.of("attempt", "stream");
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int OFFSET_DIGITS_MAX = 18;

  private final Holdfast application;
  private final Duration heartbeat;
  private final BooleanSupplier draining;

  /**
   * @param draining whether event streams are to be ended, for their clients to come back
   */
  OutputRoutes(Holdfast application, Duration heartbeat, BooleanSupplier draining) {
    this.application = application;
    this.heartbeat = heartbeat;
    this.draining = draining;
  }

  List<Route> routes() {
    String base = "/api/tasks/{id}/output";
    return List.of(
        new Route("GET", base, Access.TASK, PARAMETERS, Accepts.ANYTHING, this::download),
        new Route(
            "GET", base + "/stream", Access.TASK, PARAMETERS, "text/event-stream", this::stream));
  }

  private Response download(Call call) {
    Following following = open(call);
    try {
      // In this order: a stream that was complete before its end was read has no bytes beyond it.
      boolean complete = following.complete();
      long end = following.end();
      Header where = HeaderValues.create(END, end);
      Header whether = HeaderValues.create(COMPLETE, Boolean.toString(complete));
      Header attempt = HeaderValues.create(ATTEMPT, following.attempt());
      String range =
          call.header(HeaderNames.IF_RANGE) == null ? call.header(HeaderNames.RANGE) : null;
      return switch (ByteRange.read(range, end)) {
        case ByteRange.Reading.Everything _ ->
            bytes(
                Status.OK_200,
                following,
                new ByteRange(0, end),
                List.of(BYTES, RANGES, where, whether, attempt));
        case ByteRange.Reading.Part(ByteRange part) ->
            bytes(
                Status.PARTIAL_CONTENT_206,
                following,
                part,
                List.of(BYTES, RANGES, where, whether, attempt, contentRange(part, end)));
        case ByteRange.Reading.Unsatisfiable _ ->
            throw new RefusedException(
                new Problem(
                    ProblemCode.RANGE_NOT_SATISFIABLE,
                    "the output has " + end + " bytes so far",
                    List.of(),
                    List.of(
                        HeaderValues.create(HeaderNames.CONTENT_RANGE, "bytes */" + end),
                        where,
                        whether)));
      };
    } catch (RuntimeException e) {
      following.close();
      throw e;
    }
  }

  private static Header contentRange(ByteRange part, long end) {
    return HeaderValues.create(
        HeaderNames.CONTENT_RANGE, "bytes " + part.from() + "-" + (part.to() - 1) + "/" + end);
  }

  private static Response bytes(
      Status status, Following following, ByteRange range, List<Header> headers) {
    byte[] first = first(following, range);
    return new Response.Streamed(
        status,
        range.to() - range.from(),
        headers,
        new Response.Body() {
          @Override
          public void writeTo(OutputStream out, Runnable progress) throws IOException {
            progress.run();
            out.write(first);
            copy(following, range.after(first.length), out, progress);
          }

          @Override
          public void close() {
            following.close();
          }
        });
  }

  /** Read before anything is answered: once the status is sent, nothing can be refused any more. */
  private static byte[] first(Following following, ByteRange range) {
    byte[] first = new byte[(int) Math.min(CHUNK_BYTES, range.to() - range.from())];
    try {
      int read = first.length == 0 ? 0 : following.read(range.from(), ByteBuffer.wrap(first));
      return Arrays.copyOf(first, read);
    } catch (StorageException failure) {
      throw new RefusedException(
          Problem.of(
              ProblemCode.INTERNAL,
              "the output cannot be read from its byte "
                  + range.from()
                  + " on: "
                  + failure.getMessage()
                  + ". Put either of its files back from a backup"));
    }
  }

  private static void copy(
      Following following, ByteRange range, OutputStream out, Runnable progress)
      throws IOException {
    byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, range.to() - range.from())];
    long offset = range.from();
    while (offset < range.to()) {
      int room = (int) Math.min(chunk.length, range.to() - offset);
      int read = following.read(offset, ByteBuffer.wrap(chunk, 0, room));
      if (read == 0) {
        throw new IOException("the output has become shorter than it was; it has been purged");
      }
      progress.run();
      out.write(chunk, 0, read);
      offset += read;
    }
  }

  private Response stream(Call call) {
    String last = call.header(LAST_EVENT_ID);
    long from = last == null ? 0 : offset(last);
    Following following = open(call);
    return new Response.Streamed(
        Status.OK_200, -1, List.of(EVENTS), new OutputEvents(following, from, heartbeat, draining));
  }

  private static long offset(String text) {
    boolean digits =
        !text.isEmpty()
            && text.length() <= OFFSET_DIGITS_MAX
            && text.chars().allMatch(c -> c >= '0' && c <= '9');
    if (!digits) {
      throw new RefusedException(
          Problem.of(ProblemCode.INVALID, "Last-Event-ID must be an offset in bytes"));
    }
    return Long.parseLong(text);
  }

  private Following open(Call call) {
    TaskId id = TaskCalls.taskId(call.id());
    int attempt = call.query().number("attempt", 1, 1_000_000, 0);
    String stream = call.query().text("stream");
    if (stream != null && !STREAMS.containsKey(stream)) {
      throw Query.refused("stream", "must be one of merged, stdout, stderr");
    }
    return opened(
        id,
        application
            .outputs()
            .open(id, attempt == 0 ? null : attempt, stream == null ? null : STREAMS.get(stream)));
  }

  /**
   * @throws RefusedException with status 404 or 410 if it was not opened
   */
  static Following opened(TaskId id, Opening opening) {
    return switch (opening) {
      case Opening.Opened(Following following) -> following;
      case Opening.NoSuchTask _ -> throw new RefusedException(Answers.notFound(EntityKey.of(id)));
      case Opening.Purged _ -> throw new RefusedException(Answers.purged(EntityKey.of(id)));
      case Opening.NoSuchAttempt(String detail) ->
          throw new RefusedException(Problem.of(ProblemCode.NOT_FOUND, detail));
      case Opening.NoSuchStream(String detail) ->
          throw new RefusedException(Problem.of(ProblemCode.NOT_FOUND, detail));
    };
  }

  /** The name of a stream in queries and frames, or null. */
  static @Nullable OutputStreamName stream(@Nullable String name) {
    return name == null ? null : STREAMS.get(name);
  }
}
