package holdfast.adapters.web;

import io.helidon.common.buffers.BufferData;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.http.WritableHeaders;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.spi.ServerConnection;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns {@code GET /ws} into a WebSocket. An upgrade that may not be goes on as an ordinary
 * request, which is then refused like any other, with a problem that says why.
 */
final class SocketUpgrade {
  static final String PROTOCOL = "websocket";
  static final String SUBPROTOCOL = "holdfast.v1";
  private static final String PATH = "/ws";
  private static final String ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final HeaderName KEY = HeaderNames.create("Sec-WebSocket-Key");
  private static final HeaderName VERSION = HeaderNames.create("Sec-WebSocket-Version");
  private static final HeaderName SUBPROTOCOLS = HeaderNames.create("Sec-WebSocket-Protocol");
  private static final String VERSION_SPOKEN = "13";
  private static final int KEY_BYTES = 16;

  private final Gate gate;
  private final Sockets sockets;
  private final int messageBytesMax;
  private final InstantSource clock;

  SocketUpgrade(Gate gate, Sockets sockets, int messageBytesMax, InstantSource clock) {
    this.gate = gate;
    this.sockets = sockets;
    this.messageBytesMax = messageBytesMax;
    this.clock = clock;
  }

  /** The route of requests for the path that were not upgraded. */
  Route route() {
    return new Route(
        "GET",
        PATH,
        Access.TOKEN,
        Set.of(),
        Accepts.ANYTHING,
        call -> {
          Problem problem = gate.checkUpgrade(call.headers());
          throw new RefusedException(problem != null ? problem : malformed(call.headers()));
        });
  }

  /**
   * Upgrades.
   *
   * @return null if the request is to go on as it is
   */
  @Nullable ServerConnection upgrade(
      ConnectionContext context, HttpPrologue prologue, WritableHeaders<?> headers) {
    SocketServices services = sockets.services();
    if (services == null
        || !prologue.method().text().equals("GET")
        || !prologue.uriPath().rawPath().equals(PATH)
        || !prologue.query().rawValue().isEmpty()
        || !isWellFormed(headers)
        || gate.checkUpgrade(headers) != null) {
      return null;
    }
    boolean spoken = offers(headers, SUBPROTOCOL);
    String answer =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Accept: "
            + accept(headers.get(KEY).get())
            + "\r\n"
            + (spoken ? "Sec-WebSocket-Protocol: " + SUBPROTOCOL + "\r\n" : "")
            + "\r\n";
    // Before the client knows: from then on it must not lose its place to another connection.
    Connection connection = Connection.current();
    connection.upgraded();
    context.dataWriter().writeNow(BufferData.create(answer.getBytes(StandardCharsets.US_ASCII)));
    var writer =
        new FrameWriter(context.isSecure() ? null : connection.channel(), context.dataWriter());
    var session =
        new SocketSession(services, sockets, connection, writer, clock, gate.guest(headers));
    return new SocketConnection(
        session, new FrameReader(context.dataReader(), messageBytesMax), spoken);
  }

  private static Problem malformed(Headers headers) {
    if (headers.contains(HeaderNames.UPGRADE)
        && headers.contains(VERSION)
        && !headers.get(VERSION).get().equals(VERSION_SPOKEN)) {
      return Problem.of(
          ProblemCode.UPGRADE_REQUIRED,
          "only version 13 of the WebSocket protocol is spoken here",
          HeaderValues.create(VERSION, VERSION_SPOKEN));
    }
    return Problem.of(
        ProblemCode.UPGRADE_REQUIRED,
        "this is a WebSocket; connect with subprotocol " + SUBPROTOCOL,
        HeaderValues.create(HeaderNames.UPGRADE, PROTOCOL));
  }

  private static boolean isWellFormed(Headers headers) {
    return headers.contains(VERSION)
        && headers.get(VERSION).get().equals(VERSION_SPOKEN)
        && headers.contains(KEY)
        && isKey(headers.get(KEY).get());
  }

  private static boolean isKey(String key) {
    try {
      return Base64.getDecoder().decode(key).length == KEY_BYTES;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean offers(Headers headers, String wanted) {
    if (!headers.contains(SUBPROTOCOLS)) {
      return false;
    }
    for (String line : headers.get(SUBPROTOCOLS).allValues()) {
      for (String offered : line.split(",", -1)) {
        if (offered.strip().equals(wanted)) {
          return true;
        }
      }
    }
    return false;
  }

  private static String accept(String key) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1")
              .digest((key + ACCEPT_SUFFIX).getBytes(StandardCharsets.US_ASCII));
      return Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-1 is missing, which every Java platform must have", e);
    }
  }
}
