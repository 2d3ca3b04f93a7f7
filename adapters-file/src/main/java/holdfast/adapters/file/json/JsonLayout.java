package holdfast.adapters.file.json;

import java.io.ByteArrayOutputStream;

/** White space in JSON: put in for people, taken out for {@link JsonReader}. */
public final class JsonLayout {
  private static final String INDENT = "  ";
  private static final int DEPTH_MAX = 64;

  private JsonLayout() {}

  /**
   * Well-formed JSON without white space, each member and element on a line of its own.
   *
   * @param length bytes of {@code compact} that count
   */
  public static byte[] indented(byte[] compact, int length) {
    var out = new ByteArrayOutputStream(length * 2);
    int depth = 0;
    boolean inText = false;
    for (int i = 0; i < length; i++) {
      byte b = compact[i];
      if (inText) {
        out.write(b);
        if (b == '\\') {
          out.write(compact[++i]);
        }
        inText = b != '"';
        continue;
      }
      boolean isEmpty =
          i + 1 < length
              && ((b == '{' && compact[i + 1] == '}') || (b == '[' && compact[i + 1] == ']'));
      if (isEmpty) {
        out.write(b);
        out.write(compact[++i]);
      } else if (b == '{' || b == '[') {
        out.write(b);
        newline(out, ++depth);
      } else if (b == '}' || b == ']') {
        newline(out, --depth);
        out.write(b);
      } else if (b == ',') {
        out.write(b);
        newline(out, depth);
      } else {
        out.write(b);
        if (b == ':') {
          out.write(' ');
        }
      }
      inText = b == '"';
    }
    return out.toByteArray();
  }

  private static void newline(ByteArrayOutputStream out, int depth) {
    out.write('\n');
    out.writeBytes(INDENT.repeat(depth).getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }

  /**
   * The same JSON without white space between its tokens.
   *
   * @throws MalformedJsonException if it is nested too deeply to be any of ours
   */
  public static byte[] compact(byte[] json) {
    var out = new ByteArrayOutputStream(json.length);
    int depth = 0;
    boolean inText = false;
    for (int i = 0; i < json.length; i++) {
      byte b = json[i];
      if (inText) {
        out.write(b);
        if (b == '\\' && i + 1 < json.length) {
          out.write(json[++i]);
        }
        inText = b != '"';
      } else if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
        out.write(b);
        inText = b == '"';
        depth += b == '{' || b == '[' ? 1 : b == '}' || b == ']' ? -1 : 0;
        if (depth > DEPTH_MAX) {
          throw new MalformedJsonException("nested more than " + DEPTH_MAX + " deep");
        }
      }
    }
    return out.toByteArray();
  }
}
