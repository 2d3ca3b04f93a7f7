package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same server over TLS, with a certificate made for the test. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TlsIT {
  private static final String PASSWORD = "password";
  @TempDir private Path directory;

  private KeyStore keyStore() throws IOException, GeneralSecurityException, InterruptedException {
    Path file = directory.resolve("keys.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "web",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost,ip:127.0.0.1",
                "-storepass",
                PASSWORD,
                "-keystore",
                file.toString())
            .redirectErrorStream(true)
            .start();
    keytool.getInputStream().readAllBytes();
    assertEquals(0, keytool.waitFor());
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD.toCharArray());
    }
    return store;
  }

  private Path pem(String name, String kind, byte[] der) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return Files.writeString(
        directory.resolve(name),
        "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n");
  }

  private static SSLContext trusting(KeyStore store) throws GeneralSecurityException, IOException {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("web", store.getCertificate("web"));
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  @Test
  void requestsAndSocketsPassThroughTls() throws Exception {
    KeyStore store = keyStore();
    var files =
        new WebSettings.TlsFiles(
            pem("cert.pem", "CERTIFICATE", store.getCertificate("web").getEncoded()),
            pem(
                "key.pem",
                "PRIVATE KEY",
                store.getKey("web", PASSWORD.toCharArray()).getEncoded()));
    var settings =
        new WebSettings(
            "127.0.0.1",
            0,
            TestServer.TOKEN,
            Set.of(),
            files,
            false,
            "/",
            WebSettings.Limits.USUAL);
    try (TestServer server = TestServer.start(settings);
        HttpClient client = HttpClient.newBuilder().sslContext(trusting(store)).build()) {
      assertTrue(server.web.launchUrl().orElseThrow().startsWith("https://127.0.0.1:"));
      server.world.program("wait", _ -> {});
      String base = "https://localhost:" + server.port;
      var submit =
          HttpRequest.newBuilder(URI.create(base + "/api/tasks"))
              .header("Authorization", "Bearer " + TestServer.TOKEN)
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString("{\"command\":[\"wait\"]}"))
              .build();
      var response = client.send(submit, BodyHandlers.ofString());
      assertEquals(201, response.statusCode(), response.body());
      String id = TestServer.id(response.body());
      byte[] bytes = new byte[500_000];
      new Random(3).nextBytes(bytes);
      TestServer.await(
          "running",
          () -> server.application().state().task(new TaskId(id)).toString().contains("Running"));
      server.outputs.write(new RunRef(new TaskId(id), 1, 1), OutputStreamName.MERGED, bytes);
      var received = new Received(bytes.length);
      WebSocket socket =
          client
              .newWebSocketBuilder()
              .header("Authorization", "Bearer " + TestServer.TOKEN)
              .subprotocols(SocketUpgrade.SUBPROTOCOL)
              .buildAsync(URI.create("wss://localhost:" + server.port + "/ws"), received)
              .get(20, TimeUnit.SECONDS);
      String subscribe =
          "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\"" + id + "\"}";
      socket.sendText(subscribe, true).join();
      assertArrayEquals(bytes, received.whole.get(20, TimeUnit.SECONDS));
      socket.abort();
    }
  }

  @Test
  void aCertificateThatIsNoneStopsTheStart() throws IOException {
    Path none = Files.writeString(directory.resolve("none.pem"), "nothing");
    var settings =
        new WebSettings(
            "127.0.0.1",
            0,
            TestServer.TOKEN,
            Set.of(),
            new WebSettings.TlsFiles(none, none),
            false,
            "/",
            WebSettings.Limits.USUAL);
    var failure = assertThrows(IllegalStateException.class, () -> TestServer.starting(settings));
    assertTrue(String.valueOf(failure.getMessage()).contains("none.pem"), failure.getMessage());
  }

  /** Puts the chunks of an output together, as the JDK's own client delivers them. */
  private static final class Received implements WebSocket.Listener {
    private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
    private final ByteArrayOutputStream frame = new ByteArrayOutputStream();
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final int expected;

    Received(int expected) {
      this.expected = expected;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
      byte[] part = new byte[data.remaining()];
      data.get(part);
      frame.writeBytes(part);
      if (last) {
        byte[] bytes = frame.toByteArray();
        frame.reset();
        output.write(bytes, 14, bytes.length - 14);
        if (output.size() == expected) {
          whole.complete(output.toByteArray());
        }
      }
      socket.request(1);
      return CompletableFuture.completedFuture(null);
    }
  }
}
