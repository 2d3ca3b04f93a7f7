package holdfast.domain.task;

import java.util.List;
import java.util.stream.Collectors;

/** A specification that breaks a rule; names every rule broken, not only the first. */
public final class InvalidSpecException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Violation> violations;

  /**
   * One broken rule.
   *
   * @param pointer JSON pointer (RFC 6901) to the offending member
   * @param detail a sentence that says what is wrong and what is allowed
   */
  public record Violation(String pointer, String detail) {}

  public InvalidSpecException(List<Violation> violations) {
    super(
        violations.stream()
            .map(violation -> violation.pointer() + " " + violation.detail())
            .collect(Collectors.joining("; ")));
    this.violations = List.copyOf(violations);
  }

  public List<Violation> violations() {
    return violations;
  }
}
