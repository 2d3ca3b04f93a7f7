/**
 * The server's face: REST, WebSocket, Server-Sent Events and health probes on Helidon. The package
 * {@code holdfast.adapters.web} is entered through {@code HoldfastWeb}; {@code
 * holdfast.adapters.web.wire} holds the bodies it sends, and is exported because JSON-B reads
 * public records only.
 */
@org.jspecify.annotations.NullMarked
module holdfast.adapters.web {
  requires transitive holdfast.application;
  requires static transitive org.jspecify;
  requires io.helidon.common.buffers;
  requires io.helidon.common.concurrency.limits;
  requires io.helidon.common.socket;
  requires io.helidon.common.task;
  requires io.helidon.common.tls;
  requires io.helidon.common.pki;
  requires io.helidon.common.configurable;
  requires io.helidon.health;
  requires io.helidon.http;
  requires io.helidon.webserver;
  requires io.helidon.websocket;
  requires io.prometheus.metrics.config;
  requires io.prometheus.metrics.core;
  requires io.prometheus.metrics.instrumentation.jvm;
  requires io.prometheus.metrics.model;
  requires io.prometheus.writer.text;
  requires jakarta.json;
  requires jakarta.json.bind;
  requires java.management;
  requires jdk.management;

  exports holdfast.adapters.web;
  exports holdfast.adapters.web.metrics;
  exports holdfast.adapters.web.wire;
}
