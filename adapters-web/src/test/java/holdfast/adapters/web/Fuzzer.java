package holdfast.adapters.web;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Makes bad requests and messages out of good ones. The same seed makes the same ones. */
final class Fuzzer {
  private static final int CHANGES_MAX = 4;
  private static final int RUN_MAX = 3_000;

  /** What programs are known to stumble over. */
  private static final List<String> TOKENS =
      List.of(
          "\"",
          "\\",
          "\u0000",
          "\r\n",
          "\n",
          "\r\n\r\n",
          " ",
          "\t",
          "%00",
          "%2e%2e%2f",
          "../",
          "//",
          "?",
          "#",
          "&",
          "=",
          ":",
          ",",
          "-1",
          "0",
          "1e999",
          "9223372036854775808",
          "99999999999999999999",
          "-0",
          "0x1",
          "NaN",
          "null",
          "true",
          "[]",
          "{}",
          "[[[[[[[[",
          "{\"a\":".repeat(200),
          "\ud83d\ude00",
          "\u202e",
          "\ufeff",
          "\\ud800",
          "PT-1S",
          "P1000000000D",
          "chunked",
          "Content-Length: 5",
          "Transfer-Encoding: chunked",
          "Connection: close",
          "HTTP/1.0",
          "HTTP/9.9",
          "*/*;q=2",
          "bytes=-",
          "bytes=18446744073709551615-");

  private final Random random;
  private final List<byte[]> requests = new ArrayList<>();
  private final List<String> messages;

  /** What the names in braces stand for that the corpus has. */
  record Names(String host, String token, String task, String initiative) {
    String in(String text) {
      return text.replace("{host}", host)
          .replace("{token}", token)
          .replace("{task}", task)
          .replace("{initiative}", initiative);
    }
  }

  Fuzzer(Path corpus, Names names, Random random) throws IOException {
    this.random = random;
    try (Stream<Path> files = Files.list(corpus)) {
      files
          .filter(file -> file.toString().endsWith(".http"))
          .sorted()
          .forEach(file -> requests.add(request(file, names)));
    }
    messages = names.in(Files.readString(corpus.resolve("socket.txt"))).lines().toList();
  }

  private static byte[] request(Path file, Names names) {
    try {
      String text = names.in(Files.readString(file));
      int end = text.indexOf("\n\n");
      int head = end < 0 ? text.length() : end + 2;
      String body = text.substring(head);
      // A chunked body is made of lines, too.
      boolean isLines = text.contains("chunked");
      return (text.substring(0, head).replace("\n", "\r\n")
              + (isLines ? body.replace("\n", "\r\n") : body))
          .getBytes(StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The requests as they are: each of them must be answered. */
  List<byte[]> corpus() {
    return List.copyOf(requests);
  }

  /** Bytes for a connection. */
  byte[] request() {
    byte[] bytes = any(requests);
    if (random.nextInt(20) == 0) {
      // Another request behind it, or in the middle of it.
      bytes = spliced(bytes, any(requests));
    }
    return changed(bytes);
  }

  /** Bytes for an open WebSocket. */
  byte[] frames() {
    var frames = new ByteArrayOutputStream();
    for (int i = random.nextInt(4); i >= 0; i--) {
      byte[] payload =
          messages.get(random.nextInt(messages.size())).getBytes(StandardCharsets.UTF_8);
      boolean isText = random.nextInt(8) != 0;
      frames.writeBytes(frame(isText ? 0x81 : random.nextInt(256), changed(payload)));
    }
    return random.nextInt(4) == 0 ? changed(frames.toByteArray()) : frames.toByteArray();
  }

  private byte[] frame(int first, byte[] payload) {
    var frame = new ByteArrayOutputStream();
    frame.write(first);
    boolean masked = random.nextInt(50) != 0;
    int mask = masked ? 0x80 : 0;
    if (payload.length < 126) {
      frame.write(mask | payload.length);
    } else {
      frame.write(mask | 126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    }
    byte[] key = new byte[4];
    if (masked) {
      random.nextBytes(key);
      frame.writeBytes(key);
    }
    for (int i = 0; i < payload.length; i++) {
      frame.write(payload[i] ^ key[i & 3]);
    }
    return frame.toByteArray();
  }

  private <T> T any(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private byte[] spliced(byte[] first, byte[] second) {
    int at = random.nextBoolean() ? first.length : random.nextInt(first.length);
    return joined(first, at, second, at);
  }

  private byte[] changed(byte[] of) {
    byte[] bytes = of;
    for (int i = random.nextInt(CHANGES_MAX + 1); i > 0; i--) {
      bytes = changedOnce(bytes);
    }
    return bytes;
  }

  private byte[] changedOnce(byte[] bytes) {
    int at = random.nextInt(bytes.length + 1);
    int to = Math.min(bytes.length, at + 1 + random.nextInt(16));
    return switch (random.nextInt(7)) {
      case 0 -> joined(bytes, at, new byte[0], to);
      case 1 -> joined(bytes, at, any(TOKENS).getBytes(StandardCharsets.UTF_8), at);
      case 2 -> joined(bytes, at, any(TOKENS).getBytes(StandardCharsets.UTF_8), to);
      case 3 -> {
        byte[] noise = new byte[1 + random.nextInt(8)];
        random.nextBytes(noise);
        yield joined(bytes, at, noise, to);
      }
      case 4 -> joined(bytes, at, java.util.Arrays.copyOfRange(bytes, at, to), at);
      case 5 -> {
        byte[] run = new byte[random.nextInt(RUN_MAX)];
        java.util.Arrays.fill(run, (byte) "a0[\"{ %".charAt(random.nextInt(7)));
        yield joined(bytes, at, run, at);
      }
      default -> java.util.Arrays.copyOf(bytes, at);
    };
  }

  /** {@code bytes} with {@code middle} in the place of what is between the two. */
  private static byte[] joined(byte[] bytes, int from, byte[] middle, int to) {
    var joined = new ByteArrayOutputStream(bytes.length + middle.length);
    joined.write(bytes, 0, from);
    joined.writeBytes(middle);
    joined.write(bytes, to, bytes.length - to);
    return joined.toByteArray();
  }
}
