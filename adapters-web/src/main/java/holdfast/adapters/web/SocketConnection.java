package holdfast.adapters.web;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.spi.ServerConnection;
import java.io.UncheckedIOException;
import java.time.Duration;

/** The reading side of a WebSocket, on the thread that Helidon has given the connection. */
final class SocketConnection implements ServerConnection {
  private final SocketSession session;
  private final FrameReader reader;
  private final boolean spoken;

  /**
   * @param spoken whether the client speaks our subprotocol
   */
  SocketConnection(SocketSession session, FrameReader reader, boolean spoken) {
    this.session = session;
    this.reader = reader;
    this.spoken = spoken;
  }

  @Override
  public void handle(Limit limit) throws InterruptedException {
    session.begin();
    if (!spoken) {
      // Refusing the upgrade would reach a page's script as 1006 without a reason.
      session.close(CloseCode.WRONG_PROTOCOL, "offer the subprotocol " + SocketUpgrade.SUBPROTOCOL);
    } else {
      session.hello();
    }
    try {
      readUntilClosed();
    } catch (FrameReader.ProtocolException broken) {
      session.close(broken.code(), String.valueOf(broken.getMessage()));
      // Closing with bytes unread would reset the connection before the client has seen why.
      discardUntilGone();
    } catch (DataReader.InsufficientDataAvailableException
        | ServerConnectionException
        | UncheckedIOException gone) {
      session.gone();
    } finally {
      session.end();
    }
  }

  private void readUntilClosed() throws InterruptedException {
    while (true) {
      FrameReader.Incoming incoming = reader.next();
      session.heard();
      switch (incoming) {
        case FrameReader.Incoming.Text(String text) -> session.receive(text);
        case FrameReader.Incoming.Ping(BufferData payload) -> session.pong(payload.readBytes());
        case FrameReader.Incoming.Pong _, FrameReader.Incoming.Part _ -> {}
        case FrameReader.Incoming.Close _ -> {
          session.close(CloseCode.NORMAL, "");
          return;
        }
      }
    }
  }

  private void discardUntilGone() {
    try {
      reader.discard();
    } catch (ServerConnectionException | UncheckedIOException over) {
      session.gone();
    }
  }

  @Override
  public Duration idleTime() {
    return Duration.ZERO;
  }

  @Override
  public void close(boolean interrupt) {
    session.gone();
  }
}
