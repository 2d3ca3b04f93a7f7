package holdfast.bootstrap;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * A short run of the server through what every run goes through, so that the JVM can record which
 * classes a start needs. Called by the build; of no use to anybody else.
 */
final class Rehearsal {
  private static final int ROUNDS = 200;
  private static final String TOKEN = "rehearsal-rehearsal-rehearsal";

  private Rehearsal() {}

  /** Runs a server in {@code directory}, which is thrown away afterwards; returns its exit code. */
  static int run(String directory) {
    var server =
        new Server(
            Map.of("data-dir", directory, "port", "0", "token", TOKEN, "max-running", "1"),
            Map.of());
    var exit = CompletableFuture.supplyAsync(server::run);
    try {
      URI address = server.address().join();
      String task = "{\"command\":[\"true\"],\"title\":\"rehearsal\",\"hold\":true}";
      for (int i = 0; i < ROUNDS; i++) {
        request(address, "POST", "/api/tasks", task);
      }
      request(address, "POST", "/api/tasks", "{\"command\":[\"true\"]}");
      request(address, "GET", "/api/tasks?limit=10", "");
      request(address, "GET", "/api/recovery", "");
      request(address, "GET", "/api/health", "");
    } catch (IOException failure) {
      System.err.println("holdfast: the rehearsal failed: " + failure);
    } finally {
      server.end("the end of the rehearsal");
    }
    return exit.join();
  }

  private static void request(URI address, String method, String path, String body)
      throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        method
            + " "
            + path
            + " HTTP/1.1\r\nHost: "
            + address.getAuthority()
            + "\r\nAuthorization: Bearer "
            + TOKEN
            + (bytes.length == 0 ? "" : "\r\nContent-Type: application/json")
            + "\r\nContent-Length: "
            + bytes.length
            + "\r\nConnection: close\r\n\r\n";
    try (var socket = new Socket(address.getHost(), address.getPort())) {
      socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().write(bytes);
      var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!answer.startsWith("HTTP/1.1 2")) {
        throw new IOException(method + " " + path + ": " + answer);
      }
    }
  }
}
