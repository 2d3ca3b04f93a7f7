package holdfast.adapters.web;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Takes the members of a JSON object one by one, by name and type. What is wrong with them goes to
 * the {@link Violations}; a member that nobody asked for is one of those wrongs.
 *
 * <p>A method returns null for a member that is absent, null, or of the wrong type.
 */
final class BodyReader {
  /** No number of the API needs more digits; longer ones are out of range without being read. */
  private static final int DIGITS_MAX = 18;

  private final Map<String, Json> left;
  private final String pointer;
  private final Violations violations;

  BodyReader(Json.Members object, String pointer, Violations violations) {
    this.left = new LinkedHashMap<>(object.values());
    this.pointer = pointer;
    this.violations = violations;
  }

  Violations violations() {
    return violations;
  }

  /** Whether the member is there, if only as null, and has not been taken yet. */
  boolean has(String name) {
    return left.containsKey(name);
  }

  /** Whether the member is an array. */
  boolean isArray(String name) {
    return left.get(name) instanceof Json.Elements;
  }

  void complain(String name, String detail) {
    violations.add(Violations.pointer(pointer, name), detail);
  }

  @Nullable String text(String name) {
    return switch (take(name)) {
      case null -> null;
      case Json.Text(String value) -> value;
      case Json other -> {
        mismatch(name, other, "a string");
        yield null;
      }
    };
  }

  @Nullable Boolean truth(String name) {
    return switch (take(name)) {
      case null -> null;
      case Json.Truth(boolean value) -> value;
      case Json other -> {
        mismatch(name, other, "a boolean");
        yield null;
      }
    };
  }

  /** A whole number, written as one: {@code 1.0} and {@code 1e3} are none. */
  @Nullable Long number(String name, long min, long max) {
    Json value = take(name);
    if (value == null) {
      return null;
    }
    if (!(value instanceof Json.Numeral(String literal))) {
      mismatch(name, value, "a whole number");
      return null;
    }
    boolean whole = literal.chars().allMatch(c -> c == '-' || (c >= '0' && c <= '9'));
    if (!whole) {
      complain(name, "is " + shortened(literal) + "; a whole number is expected");
      return null;
    }
    if (literal.length() <= DIGITS_MAX) {
      long number = Long.parseLong(literal);
      if (number >= min && number <= max) {
        return number;
      }
    }
    complain(name, "is " + shortened(literal) + "; must be from " + min + " to " + max);
    return null;
  }

  @Nullable Integer integer(String name, int min, int max) {
    Long number = number(name, min, max);
    return number == null ? null : Math.toIntExact(number);
  }

  /** An ISO-8601 duration. */
  @Nullable Duration duration(String name) {
    String value = text(name);
    if (value == null) {
      return null;
    }
    try {
      return Duration.parse(value);
    } catch (DateTimeParseException | ArithmeticException e) {
      complain(name, "is not an ISO-8601 duration such as PT10S");
      return null;
    }
  }

  /** One of a few words. */
  <T> @Nullable T choice(String name, Map<String, T> choices) {
    String value = text(name);
    if (value == null) {
      return null;
    }
    T chosen = choices.get(value);
    if (chosen == null) {
      complain(
          name, "must be one of " + String.join(", ", choices.keySet().stream().sorted().toList()));
    }
    return chosen;
  }

  @Nullable List<String> texts(String name) {
    Json value = take(name);
    if (value == null) {
      return null;
    }
    if (!(value instanceof Json.Elements(List<Json> elements))) {
      mismatch(name, value, "an array of strings");
      return null;
    }
    var texts = new ArrayList<String>(elements.size());
    for (int i = 0; i < elements.size(); i++) {
      if (elements.get(i) instanceof Json.Text(String text)) {
        texts.add(text);
      } else {
        violations.add(
            Violations.pointer(pointer, name) + '/' + i,
            "is " + elements.get(i).kind() + "; a string is expected");
      }
    }
    return texts;
  }

  @Nullable Map<String, String> textMap(String name) {
    Json value = take(name);
    if (value == null) {
      return null;
    }
    if (!(value instanceof Json.Members(Map<String, Json> members))) {
      mismatch(name, value, "an object with strings as values");
      return null;
    }
    var texts = new LinkedHashMap<String, String>();
    for (Map.Entry<String, Json> member : members.entrySet()) {
      if (member.getValue() instanceof Json.Text(String text)) {
        texts.put(member.getKey(), text);
      } else {
        violations.add(
            Violations.pointer(Violations.pointer(pointer, name), member.getKey()),
            "is " + member.getValue().kind() + "; a string is expected");
      }
    }
    return texts;
  }

  @Nullable BodyReader object(String name) {
    return switch (take(name)) {
      case null -> null;
      case Json.Members members ->
          new BodyReader(members, Violations.pointer(pointer, name), violations);
      case Json other -> {
        mismatch(name, other, "an object");
        yield null;
      }
    };
  }

  /** The raw value, or null if absent or null. */
  @Nullable Json any(String name) {
    return take(name);
  }

  /** Complains of every member that was not taken. */
  void finish() {
    for (String name : left.keySet()) {
      complain(name, "is not known here");
    }
    left.clear();
  }

  private @Nullable Json take(String name) {
    Json value = left.remove(name);
    return value instanceof Json.Null ? null : value;
  }

  private void mismatch(String name, Json found, String expected) {
    complain(name, "is " + found.kind() + "; " + expected + " is expected");
  }

  private static String shortened(String literal) {
    return literal.length() <= 40 ? literal : literal.substring(0, 40) + "…";
  }
}
