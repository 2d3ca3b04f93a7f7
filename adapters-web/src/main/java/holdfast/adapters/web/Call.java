package holdfast.adapters.web;

import io.helidon.common.buffers.DataReader;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import io.helidon.http.HttpMediaType;
import io.helidon.http.RequestException;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** One request, as its handler sees it. For the thread that serves it. */
final class Call {
  private final ServerRequest request;
  private final @Nullable String parameter;
  private final Query query;
  private final int bodyBytesMax;

  Call(ServerRequest request, @Nullable String parameter, Query query, int bodyBytesMax) {
    this.request = request;
    this.parameter = parameter;
    this.query = query;
    this.bodyBytesMax = bodyBytesMax;
  }

  /** The segment of the path that varies. */
  String id() {
    if (parameter == null) {
      throw new IllegalStateException("the route has no parameter: " + request.prologue());
    }
    return parameter;
  }

  Headers headers() {
    return request.headers();
  }

  Query query() {
    return query;
  }

  @Nullable String header(HeaderName name) {
    return header(request, name);
  }

  static @Nullable String header(ServerRequest request, HeaderName name) {
    return request.headers().contains(name) ? request.headers().get(name).get() : null;
  }

  /**
   * The body, which must be JSON; empty if there is none.
   *
   * @throws RefusedException with status 413 or 415
   */
  byte[] json() {
    if (!request.content().hasEntity()) {
      return new byte[0];
    }
    String type = header(HeaderNames.CONTENT_TYPE);
    if (type == null || !isJson(type)) {
      throw new RefusedException(
          Problem.of(
              ProblemCode.UNSUPPORTED_MEDIA_TYPE,
              type == null
                  ? "the body has no Content-Type; send application/json"
                  : "the body is " + type + "; send application/json"));
    }
    return bytes();
  }

  /**
   * The body, whatever it is; empty if there is none.
   *
   * @throws RefusedException with status 413
   */
  byte[] bytes() {
    if (!request.content().hasEntity()) {
      return new byte[0];
    }
    Connection connection = Connection.current();
    connection.receiving();
    try {
      byte[] body = read();
      connection.working();
      return body;
    } catch (IOException
        | RequestException
        | IllegalArgumentException
        | DataReader.IncorrectNewLineException
        | DataReader.InsufficientDataAvailableException e) {
      // Where the body ends is not known, so neither is where another request would begin.
      connection.last();
      if (connection.hasExpired()) {
        throw new RefusedException(
            Problem.of(ProblemCode.TIMEOUT, "the body did not arrive in time; nothing was done"));
      }
      if (e instanceof DataReader.InsufficientDataAvailableException gone) {
        throw gone;
      }
      throw new RefusedException(
          Problem.of(ProblemCode.MALFORMED, "the body is not framed as HTTP/1.1 demands"));
    }
  }

  private byte[] read() throws IOException {
    OptionalLong announced = request.headers().contentLength();
    if (announced.isPresent() && announced.getAsLong() > bodyBytesMax) {
      throw tooLarge();
    }
    InputStream in = request.content().inputStream();
    int room = announced.isPresent() ? (int) announced.getAsLong() : bodyBytesMax + 1;
    if (announced.isPresent()) {
      byte[] body = new byte[room];
      int read = in.readNBytes(body, 0, room);
      // The end must be seen, or the connection cannot be used for another request.
      int beyond = in.read();
      if (read != room || beyond >= 0) {
        throw new IOException("the body is not as long as announced");
      }
      return body;
    }
    byte[] body = in.readNBytes(room);
    if (body.length == room) {
      throw tooLarge();
    }
    return body;
  }

  private RefusedException tooLarge() {
    return new RefusedException(
        Problem.of(ProblemCode.TOO_LARGE, "the body is larger than " + bodyBytesMax + " bytes"));
  }

  private static boolean isJson(String type) {
    if (type.equals("application/json")) {
      return true;
    }
    try {
      HttpMediaType media = HttpMediaType.create(type.toLowerCase(Locale.ROOT));
      String charset = media.charset().orElse("utf-8");
      return media.type().equals("application")
          && media.subtype().equals("json")
          && charset.equals("utf-8");
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * The revision that the client insists on.
   *
   * @return null if the header is absent; {@link Precondition#any} for {@code *}
   * @throws RefusedException with status 400 if the header makes no sense
   */
  @Nullable Precondition ifMatch() {
    String header = header(HeaderNames.IF_MATCH);
    return header == null ? null : Precondition.ifMatch(header);
  }

  /** Whether the client already has this revision. */
  boolean knows(long revision) {
    String header = header(HeaderNames.IF_NONE_MATCH);
    return header != null && Precondition.noneMatchNames(header, revision);
  }
}
