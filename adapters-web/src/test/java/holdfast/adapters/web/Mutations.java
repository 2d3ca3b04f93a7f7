package holdfast.adapters.web;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Values near one that a schema describes: each part of it exchanged, left out or added to, so that
 * some are as the schema says and some are not.
 */
final class Mutations {
  private static final Json.Text WORD = new Json.Text("!");

  /** Put into every place. */
  private static final List<Json> ANYTHING =
      List.of(
          new Json.Null(),
          new Json.Truth(true),
          new Json.Numeral("7"),
          new Json.Numeral("-1"),
          new Json.Numeral("1.5"),
          new Json.Text(""),
          WORD,
          new Json.Text("PT1S"),
          new Json.Elements(List.of()),
          new Json.Elements(List.of(WORD)),
          new Json.Members(Map.of()),
          new Json.Members(Map.of("!", WORD)),
          new Json.Members(Map.of("!", new Json.Numeral("7"))));

  /** At its bounds a value is not made any larger than this. */
  private static final int SIZE_MAX = 100_000;

  private final Set<Json> values = new LinkedHashSet<>();

  private Mutations() {}

  static Set<Json> of(Json example, ContractNode schema) {
    var mutations = new Mutations();
    mutations.values.add(example);
    mutations.vary(example, schema, value -> value);
    return mutations.values;
  }

  /**
   * Adds the whole with everything that this part of it could be.
   *
   * @param schema of this part, or null if it has none of its own
   * @param within gives the whole with another part in this one's place
   */
  private void vary(Json part, @Nullable ContractNode schema, Function<Json, Json> within) {
    ANYTHING.forEach(other -> values.add(within.apply(other)));
    ContractNode here = schema == null ? null : schema.followed();
    if (here != null) {
      bounds(here).forEach(other -> values.add(within.apply(other)));
    }
    switch (part) {
      case Json.Members(Map<String, Json> members) -> members(members, here, within);
      case Json.Elements(List<Json> elements) -> {
        for (int i = 0; i < elements.size(); i++) {
          int at = i;
          vary(
              elements.get(i),
              here == null ? null : here.find("items"),
              other -> {
                var others = new ArrayList<>(elements);
                others.set(at, other);
                return within.apply(new Json.Elements(others));
              });
        }
      }
      case Json.Text _, Json.Numeral _, Json.Truth _, Json.Null _ -> {}
    }
  }

  private void members(
      Map<String, Json> members, @Nullable ContractNode schema, Function<Json, Json> within) {
    var more = new LinkedHashMap<>(members);
    more.put("unknown", WORD);
    values.add(within.apply(new Json.Members(more)));
    for (String name : members.keySet()) {
      var fewer = new LinkedHashMap<>(members);
      fewer.remove(name);
      values.add(within.apply(new Json.Members(fewer)));
      vary(
          members.get(name),
          member(schema, name),
          other -> {
            var others = new LinkedHashMap<>(members);
            others.put(name, other);
            return within.apply(new Json.Members(others));
          });
    }
  }

  private static @Nullable ContractNode member(@Nullable ContractNode schema, String name) {
    ContractNode properties = schema == null ? null : schema.find("properties");
    return properties == null ? null : properties.find(name);
  }

  /** What is just right and just wrong by the schema of one place. */
  private static List<Json> bounds(ContractNode schema) {
    var bounds = new ArrayList<Json>();
    schema
        .raw()
        .forEach(
            (keyword, says) -> {
              switch (keyword) {
                case "enum" -> bounds.addAll(((Json.Elements) says).values());
                case "minimum", "maximum" -> {
                  for (int step = -1; step <= 1; step++) {
                    BigDecimal bound = number(says).add(BigDecimal.valueOf(step));
                    bounds.add(new Json.Numeral(bound.toPlainString()));
                  }
                }
                case "maxLength", "maxItems", "maxProperties" -> {
                  int size = number(says).intValueExact();
                  bounds.add(sized(keyword, size));
                  bounds.add(sized(keyword, size + 1));
                }
                default -> {}
              }
            });
    return bounds;
  }

  private static BigDecimal number(Json value) {
    return new BigDecimal(((Json.Numeral) value).literal());
  }

  private static Json sized(String keyword, int size) {
    if (size > SIZE_MAX) {
      throw new IllegalArgumentException(keyword + " " + size + " is too much to be tried");
    }
    return switch (keyword) {
      case "maxLength" -> new Json.Text("x".repeat(size));
      case "maxItems" -> new Json.Elements(Collections.nCopies(size, WORD));
      default -> {
        var members = new LinkedHashMap<String, Json>();
        for (int i = 0; i < size; i++) {
          members.put("m" + i, WORD);
        }
        yield new Json.Members(members);
      }
    };
  }
}
