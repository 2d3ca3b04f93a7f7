package holdfast.adapters.web;

import holdfast.domain.task.InvalidSpecException.Violation;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with a request body, gathered so that a client hears of everything at once. */
final class Violations {
  /** A body can break a rule once per byte; nobody reads more than this many complaints. */
  private static final int REPORTED_MAX = 100;

  private final List<Violation> found = new ArrayList<>(0);

  void add(String pointer, String detail) {
    if (found.size() < REPORTED_MAX) {
      found.add(new Violation(pointer, detail));
    }
  }

  boolean isEmpty() {
    return found.isEmpty();
  }

  List<Violation> all() {
    return found;
  }

  /**
   * Refuses the request if anything was found.
   *
   * @throws RefusedException with status 400
   */
  void refuseIfAny() {
    if (!found.isEmpty()) {
      throw new RefusedException(Problem.invalid(found));
    }
  }

  /** The pointer to {@code member} of the value at {@code parent}, by RFC 6901. */
  static String pointer(String parent, String member) {
    boolean plain = member.indexOf('~') < 0 && member.indexOf('/') < 0;
    return parent + '/' + (plain ? member : member.replace("~", "~0").replace("/", "~1"));
  }
}
