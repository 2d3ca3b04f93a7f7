package holdfast.adapters.web;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * One TCP connection, from accept to close, and until when it may take its time. The thread that
 * serves it moves it on; the sweep of {@link Connections} closes it when its time is up.
 */
final class Connection {
  /** To say why, once the client has taken too long. */
  private static final Duration FAREWELL = Duration.ofSeconds(1);

  private static final Logger LOG = System.getLogger(Connection.class.getName());
  private static final ScopedValue<Connection> CURRENT = ScopedValue.newInstance();

  private final SocketChannel channel;
  private final SocketAddress peer;
  private final WebSettings.Limits limits;
  private volatile Phase phase = Phase.FRESH;
  private volatile boolean timed = true;
  private volatile boolean sending;
  private volatile boolean expired;
  private boolean last;
  private volatile long deadline;

  /** What a connection is about. */
  enum Phase {
    /** No request has arrived in full yet. */
    FRESH,
    /** A request is being served. */
    SERVING,
    /** Between two requests. */
    IDLE,
    /** A WebSocket, which has its own heartbeat. */
    UPGRADED
  }

  Connection(SocketChannel channel, WebSettings.Limits limits) throws IOException {
    this.channel = channel;
    this.peer = channel.getRemoteAddress();
    this.limits = limits;
    allow(limits.request());
  }

  /** The connection that the calling thread serves. */
  static Connection current() {
    return CURRENT.get();
  }

  static ScopedValue<Connection> scope() {
    return CURRENT;
  }

  SocketChannel channel() {
    return channel;
  }

  SocketAddress peer() {
    return peer;
  }

  Phase phase() {
    return phase;
  }

  /** The headers of a request are complete. */
  void serving(boolean lastRequest) {
    last = lastRequest;
    phase = Phase.SERVING;
    sending = false;
    working();
  }

  /** The body is awaited. */
  void receiving() {
    allow(limits.request());
  }

  /** The server is busy with the request; that is not the client's fault. */
  void working() {
    timed = false;
  }

  /** The next write must make progress within the limit. */
  void sending() {
    sending = true;
    allow(limits.stall());
  }

  /** Makes the request under way the connection's last. For the thread that serves it. */
  void last() {
    last = true;
  }

  /** Whether the connection ends with the request under way. For the thread that serves it. */
  boolean isLast() {
    return last;
  }

  /** The request is done. */
  void idle() {
    sending = false;
    allow(limits.idle());
    phase = Phase.IDLE;
  }

  void upgraded() {
    working();
    phase = Phase.UPGRADED;
  }

  boolean isOverdue(long nanoTime) {
    return timed && nanoTime - deadline > 0;
  }

  /** Whether the client took too long over its request, and is to be told so. */
  boolean hasExpired() {
    return expired;
  }

  /**
   * Ends what is overdue. A client that takes too long to send is read from no further, so that
   * whoever waits for it can still answer; one that takes too long to read, or was told already, is
   * closed at once. Over TLS nothing can be said any more. Any thread.
   */
  void expire() {
    if (sending || expired) {
      sever();
      return;
    }
    expired = true;
    allow(FAREWELL);
    try {
      channel.shutdownInput();
    } catch (IOException e) {
      sever();
    }
  }

  /** When an idle or fresh connection was last heard of, for comparison only. */
  long deadline() {
    return deadline;
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  /** Closes at once; whoever reads or writes fails. Any thread. */
  void sever() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "closing the connection of {0}: {1}", peer, e.getMessage());
    }
  }

  private void allow(Duration limit) {
    deadline = System.nanoTime() + limit.toNanos();
    timed = true;
  }
}
