package holdfast.adapters.web;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Compares a JSON value with a schema, by JSON Schema 2020-12 as far as the contract uses it. A
 * keyword that is not known here is an error, so that none is believed to be checked and is not.
 *
 * <p>Stricter in one respect: an object has no members but those that its schema describes, unless
 * that says {@code additionalProperties}. Clients must put up with more; the server must not send
 * what is not written down.
 */
final class SchemaCheck {
  private final List<String> flaws = new ArrayList<>();
  private final Set<String> used = new TreeSet<>();

  private SchemaCheck() {}

  /** What is wrong with the value, each with its place; empty if it is as the schema says. */
  static List<String> flaws(Json value, ContractNode schema) {
    return of(value, schema).flaws;
  }

  /**
   * The same.
   *
   * @param fitted is told which schemas were referred to, if the value is as they say
   */
  static List<String> flaws(Json value, ContractNode schema, Set<String> fitted) {
    SchemaCheck check = of(value, schema);
    if (check.flaws.isEmpty()) {
      fitted.addAll(check.used);
    }
    return check.flaws;
  }

  private static SchemaCheck of(Json value, ContractNode schema) {
    var check = new SchemaCheck();
    check.check(value, schema, "");
    return check;
  }

  private void flaw(String at, String what) {
    flaws.add((at.isEmpty() ? "the whole" : at) + " " + what);
  }

  private void check(Json value, ContractNode place, String at) {
    if (place.value() instanceof Json.Truth(boolean anything)) {
      if (!anything) {
        flaw(at, "must not be there");
      }
      return;
    }
    String reference = place.reference();
    if (reference != null) {
      used.add(reference);
    }
    ContractNode schema = place.followed();
    schema.raw().forEach((keyword, says) -> keyword(value, schema.node(says), keyword, at));
    if (value instanceof Json.Members members) {
      others(members, schema, at);
    }
    if (value instanceof Json.Elements elements) {
      elements(elements, schema, at);
    }
  }

  /** Looks at the members that the schema does not name. */
  private void others(Json.Members members, ContractNode schema, String at) {
    ContractNode properties = schema.find("properties");
    ContractNode type = schema.find("type");
    Json rest = schema.raw().get("additionalProperties");
    boolean isObject = properties != null || (type != null && names(type).contains("object"));
    members
        .values()
        .forEach(
            (name, member) -> {
              if (properties != null && properties.raw().containsKey(name)) {
                return;
              }
              if (rest != null) {
                check(member, schema.node(rest), at + "/" + name);
              } else if (isObject) {
                flaw(at + "/" + name, "is not described");
              }
            });
  }

  private void keyword(Json value, ContractNode says, String keyword, String at) {
    switch (keyword) {
      // Said to people, or looked at together with others above.
      case "description", "default", "additionalProperties", "items", "prefixItems" -> {}
      case "type" -> {
        if (names(says).stream().noneMatch(type -> isOf(type, value))) {
          flaw(at, "is " + value.kind() + ", not of type " + says.value());
        }
      }
      case "enum" -> {
        if (says.elements().stream().noneMatch(one -> one.value().equals(value))) {
          flaw(at, "is " + value + ", none of " + says.value());
        }
      }
      case "const" -> {
        if (!says.value().equals(value)) {
          flaw(at, "is " + value + ", not " + says.value());
        }
      }
      case "oneOf" -> oneOf(value, says, at);
      case "minimum", "maximum" -> number(value, says, keyword, at);
      case "minLength", "maxLength", "pattern" -> text(value, says, keyword, at);
      case "format" -> format(value, says, at);
      case "minItems", "maxItems" -> {
        if (value instanceof Json.Elements(List<Json> elements)) {
          bound(elements.size(), says, keyword, at);
        }
      }
      case "properties", "required", "propertyNames", "maxProperties" -> {
        if (value instanceof Json.Members members) {
          members(members, says, keyword, at);
        }
      }
      default ->
          throw new IllegalArgumentException(says.file() + ": " + keyword + " is not known here");
    }
  }

  private static List<String> names(ContractNode one) {
    return one.value() instanceof Json.Text(String name)
        ? List.of(name)
        : one.elements().stream().map(each -> ((Json.Text) each.value()).value()).toList();
  }

  private static boolean isOf(String type, Json value) {
    return switch (type) {
      case "object" -> value instanceof Json.Members;
      case "array" -> value instanceof Json.Elements;
      case "string" -> value instanceof Json.Text;
      case "boolean" -> value instanceof Json.Truth;
      case "null" -> value instanceof Json.Null;
      case "number" -> value instanceof Json.Numeral;
      case "integer" ->
          value instanceof Json.Numeral(String literal) && literal.matches("-?(0|[1-9][0-9]*)");
      default -> throw new IllegalArgumentException("there is no type " + type);
    };
  }

  private void oneOf(Json value, ContractNode says, String at) {
    var checks = new ArrayList<SchemaCheck>();
    for (Json alternative : ((Json.Elements) says.value()).values()) {
      checks.add(of(value, says.node(alternative)));
    }
    List<SchemaCheck> fitting = checks.stream().filter(one -> one.flaws.isEmpty()).toList();
    if (fitting.size() > 1) {
      flaw(at, "fits " + fitting.size() + " alternatives");
    } else if (fitting.isEmpty()) {
      checks.sort(Comparator.comparingInt(one -> one.flaws.size()));
      flaw(at, "fits no alternative; the closest: " + checks.getFirst().flaws);
    } else {
      used.addAll(fitting.getFirst().used);
    }
  }

  private void number(Json value, ContractNode says, String keyword, String at) {
    if (value instanceof Json.Numeral(String literal)) {
      int order = new BigDecimal(literal).compareTo(number(says));
      if (keyword.equals("minimum") ? order < 0 : order > 0) {
        flaw(at, "is " + literal + ", beyond the " + keyword + " " + number(says));
      }
    }
  }

  private static BigDecimal number(ContractNode one) {
    return new BigDecimal(((Json.Numeral) one.value()).literal());
  }

  private void bound(int size, ContractNode says, String keyword, String at) {
    int bound = number(says).intValueExact();
    if (keyword.startsWith("min") ? size < bound : size > bound) {
      flaw(at, "has the size " + size + ", beyond " + keyword + " " + bound);
    }
  }

  private void text(Json value, ContractNode says, String keyword, String at) {
    if (!(value instanceof Json.Text(String text))) {
      return;
    }
    if (!keyword.equals("pattern")) {
      bound(text.codePointCount(0, text.length()), says, keyword, at);
      return;
    }
    String pattern = ((Json.Text) says.value()).value();
    if (!Pattern.compile(pattern).matcher(text).find()) {
      flaw(at, "is \"" + text + "\", which does not match " + pattern);
    }
  }

  /** A format is about one type, and says nothing of values of another. */
  private void format(Json value, ContractNode says, String at) {
    String format = ((Json.Text) says.value()).value();
    try {
      switch (format) {
        case "date-time" -> {
          if (value instanceof Json.Text(String text)) {
            Instant.parse(text);
          }
        }
        case "duration" -> {
          if (value instanceof Json.Text(String text)) {
            Duration.parse(text);
          }
        }
        case "int64" -> {
          if (value instanceof Json.Numeral(String literal)) {
            Long.parseLong(literal);
          }
        }
        default -> throw new IllegalArgumentException("there is no format " + format);
      }
    } catch (DateTimeException | NumberFormatException e) {
      flaw(at, "is " + value + ", not of format " + format);
    }
  }

  private void elements(Json.Elements elements, ContractNode schema, String at) {
    List<Json> prefix =
        schema.raw().get("prefixItems") instanceof Json.Elements(List<Json> first)
            ? first
            : List.of();
    Json others = schema.raw().get("items");
    for (int i = 0; i < elements.values().size(); i++) {
      Json each = i < prefix.size() ? prefix.get(i) : others;
      if (each != null) {
        check(elements.values().get(i), schema.node(each), at + "/" + i);
      }
    }
  }

  private void members(Json.Members members, ContractNode says, String keyword, String at) {
    Map<String, Json> values = members.values();
    switch (keyword) {
      case "properties" ->
          says.raw()
              .forEach(
                  (name, schema) -> {
                    Json value = values.get(name);
                    if (value != null) {
                      check(value, says.node(schema), at + "/" + name);
                    }
                  });
      case "required" ->
          names(says).stream()
              .filter(name -> !values.containsKey(name))
              .forEach(name -> flaw(at + "/" + name, "is missing"));
      case "propertyNames" ->
          values.keySet().forEach(name -> check(new Json.Text(name), says, at + "/" + name));
      default -> bound(values.size(), says, keyword, at);
    }
  }
}
