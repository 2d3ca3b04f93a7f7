package holdfast.adapters.web;

import holdfast.adapters.web.wire.Frames;
import holdfast.application.Following;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An output as Server-Sent Events. The id of an event is the offset behind its bytes, which is
 * where a client that reconnects goes on.
 *
 * <pre>
 *  event: output   data: {"offset":0,"text":"…"}     or "base64" where the bytes are no UTF-8
 *  event: gap      data: {"from":…,"to":…,"reason":"…"}
 *  event: reset    data: {"reason":"epoch"}            the state was restored: this run is unknown now
 *  event: end      data: {"offset":…,"outcome":{…}}   the only end; without it, come back
 * </pre>
 */
final class OutputEvents implements Response.Body {
  private static final int CHUNK_BYTES = 16 * 1024;
  private static final int UTF8_BYTES_MAX = 4;
  private static final byte[] RESET =
      "event: reset\ndata: {\"reason\":\"epoch\"}\n\n".getBytes(StandardCharsets.US_ASCII);

  /** How soon an end of the server's is noticed. */
  private static final Duration LOOK = Duration.ofMillis(500);

  private final Following following;
  private final Duration heartbeat;
  private final BooleanSupplier draining;
  private final byte[] chunk = new byte[CHUNK_BYTES];
  private long offset;

  OutputEvents(Following following, long from, Duration heartbeat, BooleanSupplier draining) {
    this.following = following;
    this.offset = from;
    this.heartbeat = heartbeat;
    this.draining = draining;
  }

  @Override
  public void writeTo(OutputStream out, Runnable progress)
      throws IOException, InterruptedException {
    progress.run();
    long end = following.end();
    if (offset > end) {
      out.write(gap(end));
      offset = end;
    } else {
      // The client learns at once that it is connected, also where nothing is to be shown yet.
      out.write(": following\n\n".getBytes(StandardCharsets.US_ASCII));
    }
    out.flush();
    long quietSince = System.nanoTime();
    while (!draining.getAsBoolean()) {
      if (!following.await(offset, LOOK)) {
        if (System.nanoTime() - quietSince >= heartbeat.toNanos()) {
          send(out, progress, ": still here\n\n".getBytes(StandardCharsets.US_ASCII));
          quietSince = System.nanoTime();
        }
        continue;
      }
      boolean complete = following.complete();
      byte[] event = next(complete);
      if (event == null) {
        send(out, progress, following.forgotten() ? RESET : end());
        return;
      }
      send(out, progress, event);
      quietSince = System.nanoTime();
    }
  }

  @Override
  public void close() {
    following.close();
  }

  private static void send(OutputStream out, Runnable progress, byte[] event) throws IOException {
    progress.run();
    out.write(event);
    out.flush();
  }

  /** The next event, or null if there are no more bytes. */
  private byte @Nullable [] next(boolean complete) {
    int read = following.read(offset, ByteBuffer.wrap(chunk));
    if (read == 0) {
      return complete ? null : new byte[0];
    }
    int whole = wholeCharacters(read);
    // Half a character at the very end will not be completed, and is shown as what it is.
    int length = whole == 0 || (complete && offset + read >= following.end()) ? read : whole;
    var json = new JsonBytes(length + 128);
    String text = decoded(length);
    json.ascii("event: output\nid: ").number(offset + length).ascii("\ndata: {\"offset\":");
    json.number(offset);
    if (text != null) {
      json.ascii(",\"text\":").text(text);
    } else {
      byte[] bytes = Arrays.copyOf(chunk, length);
      json.ascii(",\"base64\":\"").ascii(Base64.getEncoder().encodeToString(bytes)).ascii("\"");
    }
    offset += length;
    return json.ascii("}\n\n").toBytes();
  }

  private @Nullable String decoded(int length) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(chunk, 0, length))
          .toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** How many bytes are left when a character that is cut off at the end is put back. */
  private int wholeCharacters(int read) {
    for (int back = 1; back <= Math.min(UTF8_BYTES_MAX - 1, read); back++) {
      int lead = chunk[read - back] & 0xff;
      if (lead >= 0xc0) {
        int size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        return size > back ? read - back : read;
      }
      if (lead < 0x80) {
        return read;
      }
    }
    return read;
  }

  private byte[] gap(long end) {
    return new JsonBytes(256)
        .ascii("event: gap\nid: ")
        .number(end)
        .ascii("\ndata: {\"from\":")
        .number(end)
        .ascii(",\"to\":")
        .number(offset)
        .ascii(",\"reason\":\"the output ends before the offset asked for\"}\n\n")
        .toBytes();
  }

  private byte[] end() {
    byte[] data =
        Rendering.json(new Frames.StreamEnd(offset, Rendering.outcome(following.outcome())));
    return new JsonBytes(256)
        .ascii("event: end\nid: ")
        .number(offset)
        .ascii("\ndata: ")
        .raw(data)
        .ascii("\n\n")
        .toBytes();
  }
}
