package holdfast.adapters.web.metrics;

import holdfast.application.Holdfast;
import holdfast.application.Subscription;
import holdfast.domain.port.CommitMeter;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.function.IntSupplier;

/**
 * What the server counts and measures, in the text format of Prometheus. Names and labels are part
 * of the contract; no label has more values than a person could name. Any thread.
 */
public final class Metrics implements CommitMeter {
  /** Media type of {@link #text}. */
  public static final String TEXT = PrometheusTextFormatWriter.CONTENT_TYPE;

  private static final double NANOS = 1e9;

  /** From an SSD that cheats to a disk that is about to fail. */
  private static final double[] SYNC_SECONDS = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5
  };

  private static final double[] BATCH_CHANGES = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024};

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();
  private final TaskMeter tasks = new TaskMeter(registry);
  private final Histogram sync;
  private final Histogram batch;
  private final Counter resets;

  /**
   * @param version of the product
   * @param connections open TCP connections at present
   * @param sockets open WebSockets at present
   */
  public Metrics(String version, IntSupplier connections, IntSupplier sockets) {
    JvmMetrics.builder().register(registry);
    Info.builder()
        .name("holdfast_build_info")
        .help("The version that runs; always 1.")
        .labelNames("version")
        .register(registry)
        .addLabelValues(version);
    sync =
        Histogram.builder()
            .name("holdfast_journal_sync_seconds")
            .help("Time until a batch of changes is durable in both copies of the journal.")
            .classicOnly()
            .classicUpperBounds(SYNC_SECONDS)
            .register(registry);
    batch =
        Histogram.builder()
            .name("holdfast_journal_batch_changes")
            .help("Changes that became durable together.")
            .classicOnly()
            .classicUpperBounds(BATCH_CHANGES)
            .register(registry);
    resets =
        Counter.builder()
            .name("holdfast_ws_resets_total")
            .help("Subscriptions that were told to list again, by reason.")
            .labelNames("reason")
            .register(registry);
    // Series that are there from the beginning: a rate over one that appears misses its first
    // event.
    for (Subscription.Reason reason : Subscription.Reason.values()) {
      resets.initLabelValues(reason.name().toLowerCase(Locale.ROOT));
    }
    Readings.gauge(
        registry,
        "holdfast_http_connections",
        "TCP connections, WebSockets among them.",
        connections::getAsInt);
    Readings.gauge(
        registry, "holdfast_ws_connections", "WebSockets that are open.", sockets::getAsInt);
  }

  @Override
  public void committed(int changes, long nanos) {
    sync.observe(nanos / NANOS);
    batch.observe(changes);
  }

  /** Counts a subscription that was told to list again. */
  public void reset(String reason) {
    resets.labelValues(reason).inc();
  }

  /** Shows the state of a server that has recovered, and counts what happens from now on. */
  public void begin(Holdfast server) {
    new Readings(server).register(registry);
    server.observeTasks(tasks::observe);
  }

  /** Everything as it is now. */
  public byte[] text() {
    var text = new ByteArrayOutputStream(32 << 10);
    try {
      writer.write(text, registry.scrape(), EscapingScheme.UNDERSCORE_ESCAPING);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return text.toByteArray();
  }
}
