package holdfast.adapters.web;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parameters behind the question mark: each known, each at most once, each decodable. */
final class Query {
  private static final Query EMPTY = new Query(Map.of());

  private final Map<String, String> values;

  private Query(Map<String, String> values) {
    this.values = values;
  }

  /**
   * @param raw still percent-encoded, without the question mark; may be empty
   * @throws RefusedException with status 400
   */
  static Query parse(String raw, Set<String> known) {
    if (raw.isEmpty()) {
      return EMPTY;
    }
    var violations = new Violations();
    Map<String, String> values = new HashMap<>();
    for (String pair : raw.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals), violations);
      String value = decode(equals < 0 ? "" : pair.substring(equals + 1), violations);
      if (!known.contains(name)) {
        violations.add("?" + name, "is not a parameter of this call");
      } else if (values.putIfAbsent(name, value) != null) {
        violations.add("?" + name, "is given twice");
      }
    }
    violations.refuseIfAny();
    return new Query(values);
  }

  /** The value, or null if the parameter is absent or empty. */
  @Nullable String text(String name) {
    String value = values.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  /**
   * @throws RefusedException with status 400 if it is no whole number from {@code min} to {@code
   *     max}
   */
  int number(String name, int min, int max, int byDefault) {
    String value = values.get(name);
    if (value == null) {
      return byDefault;
    }
    boolean digits = !value.isEmpty() && value.length() <= 9;
    for (int i = 0; i < value.length() && digits; i++) {
      digits = value.charAt(i) >= '0' && value.charAt(i) <= '9';
    }
    int number = digits ? Integer.parseInt(value) : -1;
    if (!digits || number < min || number > max) {
      throw refused(name, "must be a whole number from " + min + " to " + max);
    }
    return number;
  }

  /**
   * @throws RefusedException with status 400 if it is neither {@code true} nor {@code false}
   */
  boolean truth(String name) {
    return switch (values.getOrDefault(name, "false")) {
      case "true" -> true;
      case "false" -> false;
      default -> throw refused(name, "must be true or false");
    };
  }

  static RefusedException refused(String name, String detail) {
    return new RefusedException(Problem.invalid("?" + name, detail));
  }

  private static String decode(String encoded, Violations violations) {
    if (encoded.indexOf('%') < 0 && encoded.indexOf('+') < 0) {
      return encoded;
    }
    ByteBuffer bytes = ByteBuffer.allocate(encoded.length());
    for (int i = 0; i < encoded.length(); i++) {
      char c = encoded.charAt(i);
      if (c != '%') {
        bytes.put((byte) (c == '+' ? ' ' : c));
        continue;
      }
      int high = i + 2 < encoded.length() ? Character.digit(encoded.charAt(i + 1), 16) : -1;
      int low = high < 0 ? -1 : Character.digit(encoded.charAt(i + 2), 16);
      if (low < 0) {
        violations.add("?" + encoded, "is not percent-encoded correctly");
        return encoded;
      }
      bytes.put((byte) ((high << 4) | low));
      i += 2;
    }
    try {
      String decoded = StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
      if (decoded.indexOf('\0') >= 0) {
        violations.add("?" + encoded, "contains a NUL character");
      }
      return decoded;
    } catch (CharacterCodingException e) {
      violations.add("?" + encoded, "is not valid UTF-8");
      return encoded;
    }
  }
}
