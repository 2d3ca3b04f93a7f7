package holdfast.adapters.web;

import io.helidon.http.Header;
import io.helidon.http.Status;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;

/** What a handler answers. */
sealed interface Response {
  Status status();

  List<Header> headers();

  /** An answer that is complete. It is written in one piece. */
  final class Whole implements Response {
    private final Status status;
    private final byte[] body;
    private final List<Header> headers;

    /**
     * @param body the bytes, which nobody changes any more; empty for no content
     */
    Whole(Status status, byte[] body, List<Header> headers) {
      this.status = status;
      this.body = body;
      this.headers = headers;
    }

    @Override
    public Status status() {
      return status;
    }

    byte[] body() {
      return body;
    }

    @Override
    public List<Header> headers() {
      return headers;
    }
  }

  /**
   * An answer that is written bit by bit.
   *
   * @param length of the body in bytes, or -1 if it ends when {@code body} returns
   */
  record Streamed(Status status, long length, List<Header> headers, Body body)
      implements Response {}

  /** Writes a body. */
  interface Body {
    /**
     * Writes all of it.
     *
     * @param progress to be told before each write that may block
     * @throws IOException if the client is gone; the connection is closed then
     */
    void writeTo(OutputStream out, Runnable progress) throws IOException, InterruptedException;

    /** Lets go of what the body holds. Called once, whether it was written or not. */
    default void close() {}
  }
}
