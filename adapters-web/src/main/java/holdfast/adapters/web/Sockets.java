package holdfast.adapters.web;

import holdfast.adapters.web.wire.Frames;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** All WebSockets: watches over their heartbeats and says good-bye to them. */
final class Sockets {
  /** Clients that all come back at once would meet a server that is busy recovering. */
  private static final int RETRY_AFTER_MS_MAX = 2_000;

  private final Duration heartbeat;
  private final ChunkPool pool = new ChunkPool();
  private final Set<SocketSession> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong numbers = new AtomicLong();
  private volatile @Nullable SocketServices services;
  private volatile HoldfastWeb.@Nullable Leaving leaving;

  Sockets(Duration heartbeat) {
    this.heartbeat = heartbeat;
  }

  Duration heartbeat() {
    return heartbeat;
  }

  ChunkPool pool() {
    return pool;
  }

  void open(SocketServices ready) {
    services = ready;
  }

  /** What sockets are served with, or null while none may be opened. */
  @Nullable SocketServices services() {
    return leaving == null ? services : null;
  }

  /** Tells sockets apart in the event log. */
  long nextNumber() {
    return numbers.incrementAndGet();
  }

  int count() {
    return open.size();
  }

  void add(SocketSession session) {
    open.add(session);
    HoldfastWeb.Leaving going = leaving;
    if (going != null) {
      dismiss(session, going);
    }
  }

  void remove(SocketSession session) {
    open.remove(session);
  }

  /** Pings, marks, and ends what is dead or stuck. */
  void sweep() {
    long now = System.nanoTime();
    for (SocketSession session : open) {
      session.tick(now);
    }
    pool.trim();
  }

  /** Says good-bye to all, and to all that might still come. Idempotent. */
  void drain(HoldfastWeb.Leaving going) {
    if (leaving == null) {
      leaving = going;
      for (SocketSession session : open) {
        dismiss(session, going);
      }
    }
  }

  private static void dismiss(SocketSession session, HoldfastWeb.Leaving going) {
    long retryAfterMs = ThreadLocalRandom.current().nextInt(RETRY_AFTER_MS_MAX);
    switch (going) {
      case GOING_AWAY ->
          session.dismiss(
              CloseCode.GOING_AWAY, new Frames.Bye("the server is going away", retryAfterMs));
      case RESTARTING ->
          session.dismiss(
              CloseCode.RESTARTING, new Frames.Bye("the server is restarting", retryAfterMs));
    }
  }

  /** Closes whatever is left, without a word. */
  void sever() {
    for (SocketSession session : open) {
      session.gone();
    }
  }
}
