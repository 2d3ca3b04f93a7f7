package holdfast.bootstrap;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/**
 * The least that a WebSocket client can be, so that a measurement of a server measures the server:
 * reads frames into one buffer and allocates nothing per frame. For one thread.
 */
final class RawWebSocket implements AutoCloseable {
  static final int TEXT = 1;
  static final int BINARY = 2;
  static final int CLOSE = 8;
  static final int PING = 9;

  private static final int BUFFER_BYTES = 1 << 20;

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;
  private byte[] payload = new byte[BUFFER_BYTES];
  private int length;

  RawWebSocket(URI server, String path, String token, String subprotocol) throws IOException {
    socket = new Socket(server.getHost(), server.getPort());
    socket.setTcpNoDelay(true);
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), BUFFER_BYTES));
    out = socket.getOutputStream();
    String request =
        "GET "
            + path
            + " HTTP/1.1\r\nHost: "
            + server.getAuthority()
            + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
            + "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
            + (subprotocol.isEmpty() ? "" : "\r\nSec-WebSocket-Protocol: " + subprotocol)
            + (token.isEmpty() ? "" : "\r\nAuthorization: Bearer " + token)
            + "\r\n\r\n";
    out.write(request.getBytes(StandardCharsets.ISO_8859_1));
    String status = line();
    if (!status.contains(" 101 ")) {
      throw new IOException("not upgraded: " + status);
    }
    while (!line().isEmpty()) {
      // The headers are of no interest.
    }
  }

  private String line() throws IOException {
    var text = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new IOException("closed during the handshake");
      }
      if (c != '\r') {
        text.append((char) c);
      }
    }
    return text.toString();
  }

  /** Reads the next frame and returns its opcode; pings are answered on the way. */
  int read() throws IOException {
    while (true) {
      int opcode = in.readUnsignedByte() & 0x0f;
      long announced = in.readUnsignedByte() & 0x7f;
      if (announced == 126) {
        announced = in.readUnsignedShort();
      } else if (announced == 127) {
        announced = in.readLong();
      }
      length = Math.toIntExact(announced);
      if (payload.length < length) {
        payload = new byte[length];
      }
      in.readFully(payload, 0, length);
      if (opcode != PING) {
        return opcode;
      }
      send(10, new String(payload, 0, length, StandardCharsets.ISO_8859_1));
    }
  }

  byte[] payload() {
    return payload;
  }

  int length() {
    return length;
  }

  String text() {
    return new String(payload, 0, length, StandardCharsets.UTF_8);
  }

  void send(String text) throws IOException {
    send(TEXT, text);
  }

  /** The mask is all zeros, which the protocol allows and nobody has to compute. */
  private void send(int opcode, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int header = bytes.length < 126 ? 6 : 8;
    var frame = new byte[header + bytes.length];
    frame[0] = (byte) (0x80 | opcode);
    if (bytes.length < 126) {
      frame[1] = (byte) (0x80 | bytes.length);
    } else {
      frame[1] = (byte) (0x80 | 126);
      frame[2] = (byte) (bytes.length >> 8);
      frame[3] = (byte) bytes.length;
    }
    System.arraycopy(bytes, 0, frame, header, bytes.length);
    out.write(frame);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
