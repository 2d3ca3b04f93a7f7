package holdfast.adapters.web;

import com.sun.management.UnixOperatingSystemMXBean;
import holdfast.application.HealthReport.Check;
import holdfast.application.HealthReport.Status;
import io.helidon.common.buffers.BufferData;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.common.socket.SocketOptions;
import io.helidon.common.task.InterruptableTask;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * All TCP connections: bounds their number, and ends those that take up room without making use of
 * it. Helidon has no time limit for a request that never ends and stops accepting for good when
 * file descriptors run out, so this is done here.
 *
 * <p>At the bound, a new connection costs the oldest one that has not brought a complete request
 * its place; failing that, the one that has been idle between requests for longest. Sockets that do
 * nothing can therefore not keep a user out.
 */
final class Connections {
  /** Somebody is told when no more than this part of the room is left. */
  private static final int NEARLY = 10;

  private final WebSettings.Limits limits;
  private final int max;
  private final Map<SocketAddress, Connection> byPeer = new ConcurrentHashMap<>();
  private final Queue<Connection> fresh = new ConcurrentLinkedQueue<>();
  private volatile boolean draining;

  Connections(WebSettings.Limits limits) {
    this.limits = limits;
    this.max = (int) Math.min(limits.connectionsMax(), fileDescriptorsMax() / 2);
  }

  private static long fileDescriptorsMax() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
        ? unix.getMaxFileDescriptorCount()
        : Long.MAX_VALUE;
  }

  /** How many there are. */
  int count() {
    return byPeer.size();
  }

  /**
   * How it is about the connections to clients.
   *
   * @param sockets WebSockets among them
   */
  Check health(int sockets) {
    String active = sockets + " active connections";
    return count() < max - max / NEARLY
        ? new Check("websocket", Status.HEALTHY, false, active, null)
        : new Check(
            "websocket",
            Status.DEGRADED,
            false,
            active
                + "; "
                + count()
                + " of at most "
                + max
                + " TCP connections are taken, and further ones cost those that do nothing their"
                + " place",
            "Close clients that are not needed; for more, raise the limit of open files (ulimit -n)");
  }

  /** Lets no further connection in. */
  void drain() {
    draining = true;
  }

  /** Ends what is overdue and forgets what has ended. Called about once a second. */
  void sweep() {
    long now = System.nanoTime();
    for (Connection connection : byPeer.values()) {
      if (!connection.isOpen()) {
        forget(connection);
      } else if (connection.isOverdue(now)) {
        connection.expire();
      }
    }
    fresh.removeIf(
        connection -> !connection.isOpen() || connection.phase() != Connection.Phase.FRESH);
  }

  /** Called by the one thread that accepts. */
  private void accepted(SocketChannel channel) throws IOException {
    if (draining) {
      channel.close();
      return;
    }
    var connection = new Connection(channel, limits);
    if (byPeer.size() >= max && !makeRoom()) {
      channel.close();
      return;
    }
    byPeer.put(connection.peer(), connection);
    fresh.add(connection);
  }

  private boolean makeRoom() {
    Connection victim;
    while ((victim = fresh.poll()) != null) {
      if (victim.isOpen() && victim.phase() == Connection.Phase.FRESH) {
        break;
      }
    }
    if (victim == null) {
      victim = longestIdle();
    }
    if (victim == null) {
      return false;
    }
    victim.sever();
    forget(victim);
    return true;
  }

  private @Nullable Connection longestIdle() {
    Connection found = null;
    for (Connection connection : byPeer.values()) {
      if (connection.phase() == Connection.Phase.IDLE
          && (found == null || connection.deadline() - found.deadline() < 0)) {
        found = connection;
      }
    }
    return found;
  }

  private void forget(Connection connection) {
    byPeer.remove(connection.peer(), connection);
  }

  /** Options for accepted sockets, which is where Helidon shows us the socket. */
  SocketOptions watching(SocketOptions options) {
    return new AcceptHook(options);
  }

  /** A selector whose connections are known here while they are served. */
  ServerConnectionSelector watching(ServerConnectionSelector selector) {
    return new WatchingSelector(selector);
  }

  private final class AcceptHook implements SocketOptions {
    private final SocketOptions options;

    AcceptHook(SocketOptions options) {
      this.options = options;
    }

    @Override
    public void configureSocket(SocketChannel socket) {
      options.configureSocket(socket);
      try {
        accepted(socket);
      } catch (IOException e) {
        throw new UncheckedIOException("the client is gone already", e);
      }
    }

    @Override
    public void configureSocket(Socket socket) {
      options.configureSocket(socket);
    }

    @Override
    public Map<SocketOption<?>, Object> socketOptions() {
      return options.socketOptions();
    }

    @Override
    public Duration connectTimeout() {
      return options.connectTimeout();
    }

    @Override
    public Duration readTimeout() {
      return options.readTimeout();
    }

    @Override
    public Optional<Integer> socketReceiveBufferSize() {
      return options.socketReceiveBufferSize();
    }

    @Override
    public Optional<Integer> socketSendBufferSize() {
      return options.socketSendBufferSize();
    }

    @Override
    public boolean socketReuseAddress() {
      return options.socketReuseAddress();
    }

    @Override
    public boolean socketKeepAlive() {
      return options.socketKeepAlive();
    }

    @Override
    public boolean tcpNoDelay() {
      return options.tcpNoDelay();
    }
  }

  private final class WatchingSelector implements ServerConnectionSelector {
    private final ServerConnectionSelector selector;

    WatchingSelector(ServerConnectionSelector selector) {
      this.selector = selector;
    }

    @Override
    public int bytesToIdentifyConnection() {
      return selector.bytesToIdentifyConnection();
    }

    @Override
    public Support supports(BufferData data) {
      return selector.supports(data);
    }

    @Override
    public Set<String> supportedApplicationProtocols() {
      return selector.supportedApplicationProtocols();
    }

    @Override
    public ServerConnection connection(ConnectionContext context) {
      Connection connection = byPeer.get(context.remotePeer().address());
      if (connection == null) {
        // Severed between accept and here; whoever reads from it will find out.
        throw new UncheckedIOException(new SocketException("the connection was given up"));
      }
      return new Watched(selector.connection(context), connection);
    }
  }

  /** Serves a connection under its {@link Connection}, and forgets it afterwards. */
  private final class Watched implements ServerConnection, InterruptableTask<Void> {
    private final ServerConnection served;
    private final Connection connection;

    Watched(ServerConnection served, Connection connection) {
      this.served = served;
      this.connection = connection;
    }

    @Override
    public void handle(Limit limit) throws InterruptedException {
      try {
        ScopedValue.where(Connection.scope(), connection)
            .call(
                () -> {
                  served.handle(limit);
                  return null;
                });
      } finally {
        forget(connection);
      }
    }

    @Override
    public Duration idleTime() {
      return served.idleTime();
    }

    @Override
    public void close(boolean interrupt) {
      served.close(interrupt);
    }

    @Override
    public boolean canInterrupt() {
      return served instanceof InterruptableTask<?> task && task.canInterrupt();
    }
  }
}
