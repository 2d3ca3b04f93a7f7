package holdfast.domain.initiative;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import holdfast.domain.task.InvalidSpecException;
import holdfast.domain.task.TaskLimits;
import holdfast.domain.task.TaskState.Name;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InitiativeStateTest {

  /** What the javadoc of the states says, put another way: over sets instead of sums. */
  private static InitiativeState expected(EnumSet<Name> present) {
    if (EnumSet.of(Name.HELD).containsAll(present)) {
      return InitiativeState.OPEN;
    }
    if (present.stream().anyMatch(name -> !name.isTerminal())) {
      return InitiativeState.RUNNING;
    }
    var bad = EnumSet.of(Name.FAILED, Name.TIMED_OUT, Name.LOST);
    bad.retainAll(present);
    if (!bad.isEmpty()) {
      return InitiativeState.FAILED;
    }
    return present.contains(Name.SUCCEEDED) ? InitiativeState.COMPLETED : InitiativeState.CANCELED;
  }

  @Test
  void everyCombinationOfStates() {
    Name[] names = Name.values();
    for (int bits = 0; bits < 1 << names.length; bits++) {
      var present = EnumSet.noneOf(Name.class);
      var counts = new EnumMap<Name, Integer>(Name.class);
      for (int i = 0; i < names.length; i++) {
        if ((bits >> i & 1) == 1) {
          present.add(names[i]);
          counts.put(names[i], 1 + bits % 3);
        } else if (bits % 2 == 0) {
          counts.put(names[i], 0);
        }
      }
      assertEquals(expected(present), InitiativeState.of(counts), present.toString());
    }
  }

  @Test
  void withoutTasksItIsOpen() {
    assertEquals(InitiativeState.OPEN, InitiativeState.of(Map.of()));
  }

  @Test
  void theSpecificationIsBounded() {
    String longest = "t".repeat(TaskLimits.TITLE_CHARS_MAX);
    String objective = "o".repeat(InitiativeSpec.OBJECTIVE_CHARS_MAX);
    new InitiativeSpec(longest, objective, Map.of());
    var worst =
        assertThrows(
            InvalidSpecException.class,
            () -> new InitiativeSpec(longest + "t", objective + "\0", Map.of("", "v")));
    assertEquals(4, worst.violations().size(), worst.getMessage());
    assertThrows(InvalidSpecException.class, () -> new InitiativeSpec(" \t", "", Map.of()));
  }
}
