package holdfast.adapters.web;

import holdfast.application.Holdfast;
import holdfast.domain.port.EventLog.Category;
import java.net.SocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What the event log is told of one WebSocket. Any thread. */
final class SocketDiary {
  /** What clients are told by their own libraries when there was no close frame. */
  private static final int GONE = 1006;

  private final Holdfast application;
  private final long number;
  private final SocketAddress peer;
  private final long begun = System.nanoTime();

  /**
   * @param number tells it from the others of this start
   */
  SocketDiary(Holdfast application, long number, SocketAddress peer) {
    this.application = application;
    this.number = number;
    this.peer = peer;
  }

  void connected() {
    note("connected", Map.of());
  }

  /** A subscription has to begin anew. */
  void reset(String subscription, String reason) {
    note("reset", Map.of("subscription", subscription, "reason", reason));
  }

  /**
   * @param closing how it was closed from here, or null if the client was just gone
   */
  void disconnected(Outbox.@Nullable Closing closing) {
    var details = new LinkedHashMap<String, Object>();
    details.put("seconds", TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun));
    details.put("code", closing == null ? GONE : closing.code().number());
    details.put("reason", closing == null ? "the client is gone" : closing.reason());
    note("disconnected", details);
  }

  private void note(String type, Map<String, Object> details) {
    var data = new LinkedHashMap<String, Object>();
    data.put("socket", number);
    data.put("peer", peer.toString());
    data.putAll(details);
    application.note(Category.WEBSOCKET, type, data);
  }
}
