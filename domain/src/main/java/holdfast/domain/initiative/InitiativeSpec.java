package holdfast.domain.initiative;

import holdfast.domain.task.InvalidSpecException;
import holdfast.domain.task.InvalidSpecException.Violation;
import holdfast.domain.task.TaskLimits;
import holdfast.domain.task.TaskSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a user says of an initiative.
 *
 * @param objective what is to be achieved, in the user's words; may be empty
 */
public record InitiativeSpec(String title, String objective, Map<String, String> labels) {
  public static final int OBJECTIVE_CHARS_MAX = 65_536;

  /**
   * @throws InvalidSpecException naming every member that breaks a rule
   */
  public InitiativeSpec {
    labels = labels.isEmpty() ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(labels));
    var broken = new ArrayList<Violation>(0);
    if (title.isBlank() || title.length() > TaskLimits.TITLE_CHARS_MAX) {
      broken.add(
          new Violation(
              "/title", "must have 1 to " + TaskLimits.TITLE_CHARS_MAX + " characters, not blank"));
    }
    if (objective.length() > OBJECTIVE_CHARS_MAX) {
      broken.add(
          new Violation(
              "/objective",
              "is " + objective.length() + " characters; at most " + OBJECTIVE_CHARS_MAX));
    }
    TaskSpec.checkText(title, () -> "/title", broken);
    TaskSpec.checkText(objective, () -> "/objective", broken);
    TaskSpec.checkLabels(labels, broken);
    if (!broken.isEmpty()) {
      throw new InvalidSpecException(broken);
    }
  }
}
