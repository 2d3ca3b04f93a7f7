package holdfast.adapters.web;

import java.util.List;
import java.util.Map;

/** A JSON value that {@link StrictJson} has accepted. */
sealed interface Json {

  /** How this kind of value is called in messages to people. */
  default String kind() {
    return switch (this) {
      case Members _ -> "an object";
      case Elements _ -> "an array";
      case Text _ -> "a string";
      case Numeral _ -> "a number";
      case Truth _ -> "a boolean";
      case Null _ -> "null";
    };
  }

  /**
   * An object.
   *
   * @param values in the order in which they were sent; no name occurs twice
   */
  record Members(Map<String, Json> values) implements Json {}

  record Elements(List<Json> values) implements Json {}

  record Text(String value) implements Json {}

  /**
   * A number, kept as it was written: what it may be is for its reader to say, and converting a
   * hostile exponent costs more than the request is worth.
   */
  record Numeral(String literal) implements Json {}

  record Truth(boolean value) implements Json {}

  record Null() implements Json {}
}
