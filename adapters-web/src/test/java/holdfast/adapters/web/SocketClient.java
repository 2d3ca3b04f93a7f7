package holdfast.adapters.web;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A WebSocket client over a plain socket, so that tests can also say what no library would.
 * Whatever {@link #text} is told is held to {@code asyncapi.json}.
 */
final class SocketClient implements AutoCloseable {
  static final int TEXT = 0x1;
  static final int BINARY = 0x2;
  static final int CLOSE = 0x8;
  static final int PING = 0x9;
  static final int PONG = 0xa;

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;
  final String head;

  /** Names of messages that came. */
  final Set<String> heard = new TreeSet<>();

  /** A frame as it came. */
  static final class Frame {
    final int opcode;
    final byte[] payload;

    Frame(int opcode, byte[] payload) {
      this.opcode = opcode;
      this.payload = payload;
    }

    String text() {
      return new String(payload, StandardCharsets.UTF_8);
    }

    int closeCode() {
      return ByteBuffer.wrap(payload).getShort() & 0xffff;
    }
  }

  private SocketClient(Socket socket, String head) throws IOException {
    this.socket = socket;
    this.head = head;
    this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 65_536));
    this.out = socket.getOutputStream();
  }

  static SocketClient connect(TestServer server) throws IOException {
    return connect(server, server.head("GET /ws HTTP/1.1"), SocketUpgrade.SUBPROTOCOL);
  }

  static SocketClient connect(TestServer server, String requestHead, String subprotocol)
      throws IOException {
    Socket socket = server.connect();
    String request =
        requestHead
            + "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + (subprotocol.isEmpty() ? "" : "Sec-WebSocket-Protocol: " + subprotocol + "\r\n")
            + "\r\n";
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    String head = TestServer.readHead(socket.getInputStream());
    return new SocketClient(socket, head);
  }

  Socket socket() {
    return socket;
  }

  void send(String text) throws IOException {
    write(0x80 | TEXT, text.getBytes(StandardCharsets.UTF_8));
  }

  void write(int firstByte, byte[] payload) throws IOException {
    var frame = new ByteArrayOutputStream();
    frame.write(firstByte);
    if (payload.length < 126) {
      frame.write(0x80 | payload.length);
    } else if (payload.length < 65_536) {
      frame.write(0x80 | 126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    } else {
      frame.write(0x80 | 127);
      frame.writeBytes(ByteBuffer.allocate(8).putLong(payload.length).array());
    }
    byte[] mask = {1, 2, 3, 4};
    frame.writeBytes(mask);
    for (int i = 0; i < payload.length; i++) {
      frame.write(payload[i] ^ mask[i & 3]);
    }
    raw(frame.toByteArray());
  }

  void raw(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  /** The next frame of any kind. */
  Frame next() throws IOException {
    int opcode = in.readUnsignedByte() & 0x0f;
    int length = in.readUnsignedByte();
    if (length == 126) {
      length = in.readUnsignedShort();
    } else if (length == 127) {
      length = Math.toIntExact(in.readLong());
    }
    byte[] payload = new byte[length];
    in.readFully(payload);
    return new Frame(opcode, payload);
  }

  /** Reads the next frame into {@code into}, for speed, and tells how long it was. */
  int next(byte[] into) throws IOException {
    in.readUnsignedByte();
    int length = in.readUnsignedByte();
    if (length == 126) {
      length = in.readUnsignedShort();
    } else if (length == 127) {
      length = Math.toIntExact(in.readLong());
    }
    in.readFully(into, 0, length);
    return length;
  }

  /** The next text frame; answers pings on the way, skips binary ones. */
  String text() throws IOException {
    Frame frame = nextButPings();
    while (frame.opcode != TEXT) {
      if (frame.opcode == CLOSE) {
        throw new IOException("closed with " + frame.closeCode());
      }
      frame = nextButPings();
    }
    List<String> names = AsyncApi.hold(frame.text());
    if (names.size() == 1) {
      heard.addAll(names);
    }
    return frame.text();
  }

  Frame nextButPings() throws IOException {
    Frame frame = next();
    while (frame.opcode == PING || frame.opcode == PONG) {
      if (frame.opcode == PING) {
        write(0x80 | PONG, frame.payload);
      }
      frame = next();
    }
    return frame;
  }

  /** The next text frame of a type. */
  String text(String type) throws IOException {
    String text = text();
    while (!text.contains("\"type\":\"" + type + "\"")) {
      text = text();
    }
    return text;
  }

  /** Texts up to and including the first of a type. */
  List<String> textsUntil(String type) throws IOException {
    var texts = new ArrayList<String>();
    do {
      texts.add(text());
    } while (!texts.getLast().contains("\"type\":\"" + type + "\""));
    return texts;
  }

  /** Reads on until the server closes, and tells with which code. */
  int closeCode() throws IOException {
    Frame frame = nextButPings();
    while (frame.opcode != CLOSE) {
      frame = nextButPings();
    }
    return frame.closeCode();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
