package holdfast.adapters.web;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The revisions a client accepts as the present one. An entity's tag is its revision in quotes.
 *
 * @param any whether every revision will do
 * @param revisions that will do; a tag that is none of ours is not among them
 */
record Precondition(boolean any, List<Long> revisions) {
  /** No entity has it, so storage answers with the one it has. */
  private static final long IMPOSSIBLE = -1;

  /**
   * Reads If-Match. Weak tags never match, as RFC 9110 section 13.1.1 demands.
   *
   * @throws RefusedException with status 400 if the header is no list of tags
   */
  static Precondition ifMatch(String header) {
    if (header.strip().equals("*")) {
      return new Precondition(true, List.of());
    }
    var revisions = new ArrayList<Long>(1);
    for (String tag : tags(header)) {
      if (!tag.startsWith("W/")) {
        Long revision = revision(tag);
        if (revision != null) {
          revisions.add(revision);
        }
      }
    }
    return new Precondition(false, revisions);
  }

  /** Whether If-None-Match names {@code revision}; weak tags count, as section 13.1.2 demands. */
  static boolean noneMatchNames(String header, long revision) {
    if (header.strip().equals("*")) {
      return true;
    }
    for (String tag : tags(header)) {
      Long named = revision(opaque(tag));
      if (named != null && named == revision) {
        return true;
      }
    }
    return false;
  }

  /** The same for what has no revision. */
  static boolean noneMatchNames(String header, String present) {
    return header.strip().equals("*")
        || tags(header).stream().anyMatch(tag -> opaque(tag).equals(present));
  }

  private static String opaque(String tag) {
    return tag.startsWith("W/") ? tag.substring(2) : tag;
  }

  /**
   * What to hand to the application.
   *
   * @param present the entity's revision as far as the caller knows; decides between several tags
   * @return null if any revision will do
   */
  @Nullable Long expected(long present) {
    if (any) {
      return null;
    }
    if (revisions.isEmpty()) {
      return IMPOSSIBLE;
    }
    return revisions.contains(present) ? Long.valueOf(present) : revisions.getFirst();
  }

  private static List<String> tags(String header) {
    var tags = new ArrayList<String>(1);
    for (String part : header.split(",", -1)) {
      String tag = part.strip();
      String opaque = opaque(tag);
      if (opaque.length() < 2 || !opaque.startsWith("\"") || !opaque.endsWith("\"")) {
        throw new RefusedException(
            Problem.of(
                ProblemCode.INVALID,
                "If-Match and If-None-Match take entity tags such as \"3\", or *"));
      }
      tags.add(tag);
    }
    return tags;
  }

  private static @Nullable Long revision(String tag) {
    String digits = tag.substring(1, tag.length() - 1);
    boolean number =
        !digits.isEmpty()
            && digits.length() <= 18
            && digits.charAt(0) != '0'
            && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    return number ? Long.valueOf(digits) : null;
  }
}
