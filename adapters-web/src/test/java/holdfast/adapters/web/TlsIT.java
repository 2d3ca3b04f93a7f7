package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same server over TLS, with a certificate made for the test. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TlsIT {
  private static final String PASSWORD = "password";
  @TempDir private static Path directory;
  private static KeyStore good;

  /** One for all: keytool takes its time. */
  @BeforeAll
  static void makeKey() throws Exception {
    good = keyStore("good", "-keyalg", "EC");
  }

  private static KeyStore keyStore(String name, String... options)
      throws IOException, GeneralSecurityException, InterruptedException {
    Path file = directory.resolve(name + ".p12");
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "web",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost,ip:127.0.0.1",
                "-storepass",
                PASSWORD,
                "-keystore",
                file.toString()));
    command.addAll(List.of(options));
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, keytool.waitFor(), said);
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD.toCharArray());
    }
    return store;
  }

  private static Path pem(String name, String kind, byte[] der) throws IOException {
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

  private static WebSettings.TlsFiles files(String name, KeyStore store) throws Exception {
    return new WebSettings.TlsFiles(
        pem(name + "-cert.pem", "CERTIFICATE", store.getCertificate("web").getEncoded()),
        pem(
            name + "-key.pem",
            "PRIVATE KEY",
            store.getKey("web", PASSWORD.toCharArray()).getEncoded()));
  }

  private static WebSettings settings(WebSettings.TlsFiles files) {
    return new WebSettings(
        "127.0.0.1",
        0,
        TestServer.TOKEN,
        Set.of(),
        files,
        false,
        "/",
        new WebSettings.Limits(
            1024 * 1024,
            100,
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ofSeconds(30),
            Duration.ofSeconds(15)));
  }

  @Test
  void requestsAndSocketsPassThroughTls() throws Exception {
    WebSettings settings = settings(files("good", good));
    try (TestServer server = TestServer.start(settings);
        HttpClient client = HttpClient.newBuilder().sslContext(trusting(good)).build()) {
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
      onlyWhatIsSafeIsSpoken(server, trusting(good));
      whoDoesNotBeginToSpeakIsClosed(server);
    }
  }

  private static void onlyWhatIsSafeIsSpoken(TestServer server, SSLContext trusting)
      throws IOException {
    for (String protocol : List.of("TLSv1.2", "TLSv1.3")) {
      try (var socket =
          (SSLSocket) trusting.getSocketFactory().createSocket("localhost", server.port)) {
        socket.setEnabledProtocols(new String[] {protocol});
        socket.startHandshake();
        assertEquals(protocol, socket.getSession().getProtocol());
      }
    }
    // Versions 3.0 (SSL), 1.0 and 1.1, which no client of this platform would offer.
    for (int minor = 0; minor <= 2; minor++) {
      try (Socket socket = server.connect()) {
        var hello = ByteBuffer.allocate(52).put(new byte[] {22, 3, 1, 0, 47, 1, 0, 0, 43, 3});
        hello.put((byte) minor).position(43);
        hello.put(new byte[] {0, 0, 4, (byte) 0xc0, 0x13, 0, 0x2f, 1, 0});
        socket.getOutputStream().write(hello.array());
        assertEquals(21, socket.getInputStream().read(), "an alert, for minor version " + minor);
      }
    }
  }

  private static void whoDoesNotBeginToSpeakIsClosed(TestServer server) throws IOException {
    assertFalse(server.raw("").contains("HTTP"));
  }

  @Test
  void whatCannotBeUsedStopsTheStartWithItsNameAndReason() throws Exception {
    Path none = Files.writeString(directory.resolve("none.pem"), "nothing");
    var sound = files("good", good);
    var old = files("old", keyStore("old", "-keyalg", "EC", "-startdate", "-2d", "-validity", "1"));
    var early = files("early", keyStore("early", "-keyalg", "RSA", "-startdate", "+2d"));
    Path missing = directory.resolve("missing.pem");
    Path cert = sound.certificates();
    assertRefused(none, none, "none.pem");
    assertRefused(cert, none, "none.pem");
    assertRefused(none, sound.privateKey(), "none.pem");
    assertRefused(missing, sound.privateKey(), "missing.pem");
    assertRefused(cert, missing, "missing.pem");
    assertRefused(directory, sound.privateKey(), directory.toString());
    assertRefused(cert, cert, "good-cert.pem");
    assertRefused(cert, old.privateKey(), "is of another key than");
    assertRefused(old.certificates(), early.privateKey(), "is of another key than");
    assertRefused(old.certificates(), old.privateKey(), "has expired");
    assertRefused(early.certificates(), early.privateKey(), "is not valid yet");
  }

  private static void assertRefused(Path certificates, Path key, String reason) {
    var settings = settings(new WebSettings.TlsFiles(certificates, key));
    var failure = assertThrows(IllegalStateException.class, () -> TestServer.starting(settings));
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains(reason), message);
    assertTrue(message.lines().count() == 1, message);
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
