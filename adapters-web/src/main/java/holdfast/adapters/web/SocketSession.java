package holdfast.adapters.web;

import holdfast.adapters.web.wire.Frames;
import holdfast.application.CompactedFeed;
import holdfast.application.EventFeed;
import holdfast.application.Following;
import holdfast.application.LiveState;
import holdfast.application.Subscription;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.TaskId;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One client's conversation over a WebSocket, by the protocol {@code holdfast.v1}. {@link #receive}
 * is called by the thread that reads; everything is written by the {@link Outbox}'s one thread.
 */
final class SocketSession {
  private static final Logger LOG = System.getLogger(SocketSession.class.getName());
  private static final int SUBSCRIPTIONS_MAX = 64;
  private static final int CHUNKS_IN_FLIGHT_MAX = 2;
  private static final long CLOSE_LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final SocketServices services;
  private final Sockets sockets;
  private final Connection connection;
  private final Outbox outbox;
  private final InstantSource clock;
  private final SocketCommands commands;
  private final SocketDiary diary;
  private final Thread writer;
  private final Map<String, PulledSubscription> states = new ConcurrentHashMap<>();
  private final Map<String, OutputChannel> channels = new ConcurrentHashMap<>();
  private final Semaphore entitlement = new Semaphore(CHUNKS_IN_FLIGHT_MAX, true);
  private final long heartbeatNanos;
  private long lastChannel;
  private volatile long heardAt = System.nanoTime();
  private volatile boolean receiving;
  private long pingedAt = System.nanoTime();

  SocketSession(
      SocketServices services,
      Sockets sockets,
      Connection connection,
      FrameWriter frames,
      InstantSource clock,
      Gate.Guest guest) {
    this.services = services;
    this.sockets = sockets;
    this.connection = connection;
    this.clock = clock;
    this.outbox = new Outbox(frames);
    this.commands = new SocketCommands(services, outbox, guest, connection.peer());
    this.diary = new SocketDiary(services.application(), sockets.nextNumber(), connection.peer());
    this.heartbeatNanos = sockets.heartbeat().toNanos();
    this.writer = Thread.ofVirtual().name("socket-writer").unstarted(this::write);
  }

  /** Begins to write. */
  void begin() {
    writer.start();
    diary.connected();
    sockets.add(this);
  }

  void hello() {
    LiveState state = services.application().state();
    outbox.answer(
        Rendering.json(
            new Frames.Hello(
                SocketUpgrade.SUBPROTOCOL,
                state.instanceId(),
                state.epoch(),
                state.seq(),
                sockets.heartbeat().toMillis(),
                clock.instant())));
  }

  private void write() {
    try {
      outbox.writeUntilClosed();
    } catch (UncheckedIOException gone) {
      gone();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      gone();
    } catch (RuntimeException failure) {
      LOG.log(Level.ERROR, "a WebSocket is closed because something could not be sent", failure);
      gone();
    } finally {
      outbox.discardRest();
    }
  }

  /** A frame has arrived, whatever it was. */
  void heard() {
    heardAt = System.nanoTime();
  }

  void pong(byte[] payload) {
    outbox.answer(out -> out.pong(payload));
  }

  /** Takes a message. Waits while the client has too many commands under way. */
  void receive(String text) throws InterruptedException {
    if (outbox.isClosing()) {
      return;
    }
    receiving = true;
    try {
      understand(text);
    } finally {
      receiving = false;
      heard();
    }
  }

  private void understand(String text) throws InterruptedException {
    String id = null;
    Json.Members said = null;
    try {
      said = StrictJson.object(text);
      var message = new BodyReader(said, "", new Violations());
      id = SocketCommands.id(message);
      handle(message.text("type"), id, message);
    } catch (RefusedException refused) {
      if (id == null && said != null && isCommand(said)) {
        commands.noteWithoutId();
      }
      refuse(id, refused.problem());
    } catch (StorageException failure) {
      LOG.log(Level.ERROR, "a subscription failed", failure);
      refuse(id, Problem.of(ProblemCode.INTERNAL, "the storage failed; see the server's log"));
    } catch (RuntimeException failure) {
      LOG.log(Level.ERROR, "a WebSocket is closed by an error nobody foresaw", failure);
      outbox.close(CloseCode.INTERNAL, "an error nobody foresaw; see the server's log");
    }
  }

  private static boolean isCommand(Json.Members said) {
    return "command".equals(new BodyReader(said, "", new Violations()).text("type"));
  }

  private void handle(@Nullable String type, @Nullable String id, BodyReader message)
      throws InterruptedException {
    switch (type) {
      case "ping" -> pong(message);
      case "pong" -> {}
      case "subscribe" -> subscribe(required(id), message);
      case "unsubscribe" -> unsubscribe(required(id), message);
      case "credit" -> credit(required(id), message);
      case "command" -> commands.begin(required(id), message);
      case null, default ->
          throw new RefusedException(Problem.invalid("/type", "is none that is known here"));
    }
  }

  private static String required(@Nullable String id) {
    if (id == null) {
      throw new RefusedException(Problem.invalid("/id", "is missing"));
    }
    return id;
  }

  /** What has an id is answered; who sends what has none is not speaking our protocol. */
  private void refuse(@Nullable String id, Problem problem) {
    if (id == null) {
      outbox.close(CloseCode.BAD_MESSAGE, problem.detail());
      return;
    }
    outbox.answer(
        Rendering.json(
            new Frames.Refused(
                id, problem.code().status(), problem.code().title(), problem.detail())));
  }

  private void pong(BodyReader message) {
    Json t = message.any("t");
    finish(message);
    var json = new JsonBytes(64).ascii("{\"type\":\"pong\",\"t\":");
    outbox.answer(
        json.raw(JsonBytes.compact(t == null ? new Json.Null() : t)).ascii("}").toBytes());
  }

  private void subscribe(String id, BodyReader message) {
    if (states.containsKey(id) || channels.containsKey(id)) {
      throw new RefusedException(
          Problem.of(ProblemCode.WRONG_STATE, "a subscription with this id is open already"));
    }
    if (states.size() + channels.size() >= SUBSCRIPTIONS_MAX) {
      throw new RefusedException(
          Problem.of(
              ProblemCode.TOO_MANY_REQUESTS,
              "a socket may have "
                  + SUBSCRIPTIONS_MAX
                  + " subscriptions; end some, or open another"));
    }
    SubscribeMessage wanted = SubscribeMessage.read(message);
    switch (wanted) {
      case SubscribeMessage.State state -> follow(id, state);
      case SubscribeMessage.Logs logs -> follow(id, logs);
      case SubscribeMessage.Health health ->
          follow(id, health.since(), services.application().health().feed(), new HealthFace());
      case SubscribeMessage.Sync sync ->
          follow(
              id,
              sync.since(),
              services.application().sync().feed(),
              new SyncFace(new SyncJson(services.application(), services.rendering())));
      case SubscribeMessage.Output output -> follow(id, output);
    }
  }

  private void follow(String id, SubscribeMessage.State wanted) {
    // The feed may have something to say before the subscription is known by name here.
    var announced = new Announcement();
    Subscription feed =
        services
            .application()
            .feed()
            .subscribe(wanted.topic(), wanted.filter(), wanted.since(), announced);
    var subscription =
        new StateSubscription(id, feed, services.rendering(), this::reset, () -> states.remove(id));
    states.put(id, subscription);
    announced.connect(subscription);
  }

  /** Passes on that there is something, from the moment there is somebody to pass it on to. */
  private final class Announcement implements Runnable {
    private volatile @Nullable StateSubscription subscription;

    void connect(StateSubscription connected) {
      subscription = connected;
      outbox.announce(connected);
    }

    @Override
    public void run() {
      StateSubscription connected = subscription;
      if (connected != null) {
        outbox.announce(connected);
      }
    }
  }

  /** A subscription has told its client to begin anew. */
  private void reset(String id, String reason) {
    services.metrics().reset(reason);
    diary.reset(id, reason);
  }

  private void follow(String id, SubscribeMessage.Logs wanted) {
    var subscription =
        new LogSubscription(
            id,
            services.application().eventLog(),
            wanted,
            services.application().state().epoch(),
            this::reset,
            () -> states.remove(id));
    states.put(id, subscription);
    subscription.begin(() -> outbox.announce(subscription));
    outbox.announce(subscription);
  }

  private <V> void follow(
      String id,
      EventFeed.@Nullable Since since,
      CompactedFeed<V> feed,
      CompactedSubscription.Face<V> face) {
    var subscription =
        new CompactedSubscription<V>(
            id,
            feed,
            face,
            new CompactedSubscription.Beginning(since, services.application().state().epoch()),
            this::reset,
            () -> states.remove(id));
    states.put(id, subscription);
    subscription.begin(() -> outbox.announce(subscription));
    outbox.announce(subscription);
  }

  private void follow(String id, SubscribeMessage.Output wanted) {
    TaskId task = TaskCalls.taskId(wanted.taskId());
    Following following =
        OutputRoutes.opened(
            task, services.application().outputs().open(task, wanted.attempt(), wanted.stream()));
    long end = following.end();
    long from = wanted.from(end);
    lastChannel++;
    outbox.answer(
        Rendering.json(
            new Frames.Subscribed(
                id,
                lastChannel,
                following.attempt(),
                Rendering.streamName(following.stream()),
                Math.min(from, end),
                end)));
    if (from > end) {
      outbox.answer(
          Rendering.json(
              new Frames.Gap(id, end, from, "the output ends before the offset asked for")));
    }
    var channel =
        new OutputChannel(
            new OutputChannel.Opening(
                id, lastChannel, following, Math.min(from, end), wanted.credit()),
            outbox,
            sockets.pool(),
            entitlement,
            () -> channels.remove(id));
    channels.put(id, channel);
    Thread.ofVirtual().name("output-" + task).start(channel);
  }

  private void unsubscribe(String id, BodyReader message) {
    finish(message);
    PulledSubscription state = states.remove(id);
    OutputChannel channel = channels.remove(id);
    if (state != null) {
      state.close();
    } else if (channel != null) {
      channel.cancel();
    } else {
      throw noSubscription();
    }
  }

  private void credit(String id, BodyReader message) {
    Long bytes = message.number("bytes", 1, Long.MAX_VALUE);
    if (bytes == null) {
      message.complain("bytes", "is required");
    }
    finish(message);
    OutputChannel channel = channels.get(id);
    if (channel == null) {
      // The channel may have ended while the credit was on its way: nothing is wrong with that.
      return;
    }
    if (bytes != null && !channel.credit(bytes)) {
      throw new RefusedException(Problem.invalid("/bytes", "is more than can be counted"));
    }
  }

  private static RefusedException noSubscription() {
    return new RefusedException(
        Problem.of(ProblemCode.NOT_FOUND, "there is no subscription with this id"));
  }

  private static void finish(BodyReader message) {
    message.finish();
    message.violations().refuseIfAny();
  }

  /** Looks after the socket. Called about once a second. */
  void tick(long now) {
    long silent = receiving ? 0 : now - heardAt;
    boolean unheard = silent > 2 * heartbeatNanos + heartbeatNanos / 2;
    long blocked = outbox.blockedNanos(now);
    long closeSentAt = outbox.closeSentAt();
    boolean lingering = closeSentAt != 0 && now - closeSentAt > CLOSE_LINGER_NANOS;
    if (lingering || blocked > 4 * heartbeatNanos || silent > 4 * heartbeatNanos) {
      gone();
      return;
    }
    if (unheard) {
      // Half a frame counts as nothing: whoever sends it byte by byte is told, and then gone.
      outbox.close(CloseCode.SILENT, "no whole frame has arrived for two heartbeats");
    }
    if (blocked > 2 * heartbeatNanos) {
      // Told once the client reads again; should it never do so, the next step is taken.
      outbox.close(CloseCode.TOO_SLOW, "nothing was read for two heartbeats");
    }
    if (now - pingedAt >= heartbeatNanos) {
      pingedAt = now;
      outbox.ping();
      for (PulledSubscription subscription : states.values()) {
        subscription.mark();
        outbox.announce(subscription);
      }
    }
  }

  /** Says good-bye once the commands under way are answered. */
  void dismiss(CloseCode code, Frames.Bye bye) {
    outbox.answer(Rendering.json(bye));
    close(code, bye.reason());
  }

  void close(CloseCode code, String reason) {
    outbox.close(code, reason);
  }

  /** The client is gone, or is to be. Any thread. */
  void gone() {
    outbox.abandon();
    connection.sever();
  }

  /** Lets go of everything, once the close frame is written or cannot be. On the reading thread. */
  void end() throws InterruptedException {
    diary.disconnected(outbox.closing());
    try {
      outbox.close(CloseCode.NORMAL, "");
      states.values().forEach(PulledSubscription::close);
      channels.values().forEach(OutputChannel::cancel);
      writer.join();
    } finally {
      sockets.remove(this);
    }
  }
}
