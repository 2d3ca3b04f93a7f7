/** Reads the configuration, puts concrete adapters into the ports, and runs the server. */
@org.jspecify.annotations.NullMarked
module holdfast.bootstrap {
  requires static org.jspecify;
  requires holdfast.adapters.file;
  requires holdfast.adapters.process;
  requires holdfast.adapters.web;
  requires holdfast.application;
  requires holdfast.domain;
  requires info.picocli;
  requires jakarta.json;
  requires java.logging;
  requires java.net.http;
  requires jdk.unsupported;
  requires org.snakeyaml.engine.v2;
}
