package holdfast.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Each rule, held against classes made to break it: a rule that cannot fail is no rule. It must
 * name those who break it, and nobody else.
 */
class RulesTest {
  private static final String ROOT = "holdfast.architecture.fixture";
  private static final Rules RULES = new Rules(ROOT);
  private static final JavaClasses FIXTURES = new ClassFileImporter().importPackages(ROOT);
  private static final Pattern CULPRIT =
      Pattern.compile(
          "(?:Class|Method|Constructor|Field|Record component) <" + ROOT + "\\.([\\w.$]+)");

  private static final Map<String, Set<String>> CULPRITS =
      Map.ofEntries(
          Map.entry(
              "pure domain",
              Set.of(
                  "domain.task.ReadsClock",
                  "domain.task.RollsDice",
                  "domain.task.ReadsFile",
                  "domain.task.Locks",
                  "domain.task.Logs")),
          Map.entry("domain needs the JDK alone", Set.of("domain.task.KnowsApplication")),
          Map.entry("files", Set.of("application.TouchesFiles", "domain.task.ReadsFile")),
          Map.entry(
              "processes", Set.of("adapters.file.StartsProcess", "adapters.file.FindsProcess")),
          Map.entry("web server", Set.of("adapters.file.KnowsWebServer")),
          Map.entry("adapters apart", Set.of("adapters.web.KnowsFileAdapter")),
          Map.entry("application", Set.of("application.KnowsAdapter")),
          Map.entry("open interfaces", Set.of("application.OpenUseCase", "adapters.web.OpenToAll")),
          Map.entry(
              "names",
              Set.of(
                  "application.StringUtil",
                  "application.StringUtils",
                  "application.TaskHelper",
                  "application.TaskMapper",
                  "application.StoreImpl",
                  "application.StoreImpl$Inner")));

  @TestFactory
  Stream<DynamicTest> everyRuleReportsThoseWhoBreakItAndNobodyElse() {
    return RULES.all().entrySet().stream()
        .filter(rule -> !rule.getKey().equals("cycles"))
        .map(
            rule ->
                dynamicTest(
                    rule.getKey(),
                    () ->
                        assertEquals(
                            new TreeSet<>(CULPRITS.getOrDefault(rule.getKey(), Set.of())),
                            culprits(rule.getValue()))));
  }

  private static Set<String> culprits(ArchRule rule) {
    var named = new TreeSet<String>();
    rule.evaluate(FIXTURES)
        .handleViolations(
            (Collection<Object> _, String message) -> {
              Matcher culprit = CULPRIT.matcher(message);
              String who =
                  culprit.find()
                      ? culprit.group(1)
                      : message.substring(ROOT.length() + 1, message.indexOf(' '));
              named.add(classOf(who));
            });
    return named;
  }

  /** Cuts off a member's name: classes are capitalised, members are not. */
  private static String classOf(String name) {
    Matcher type = Pattern.compile("^([a-z.]+\\.[A-Z]\\w*(?:\\$[A-Z]\\w*)*)").matcher(name);
    return type.find() ? type.group(1) : name;
  }

  @Test
  void aCycleIsReportedWithItsPackages() {
    String report = RULES.noPackageCycles().evaluate(FIXTURES).getFailureReport().toString();
    assertTrue(report.contains("Slice domain.hen") && report.contains("Slice domain.egg"), report);
  }

  @Test
  void anEmptyImportIsAFailure() {
    JavaClasses nothing = new ClassFileImporter().importPackages("no.such.root");
    assertEquals(Rules.MODULES, RULES.unseen(nothing));
    assertEquals(Set.of("adapters.process", "bootstrap"), Set.copyOf(RULES.unseen(FIXTURES)));
  }

  @Test
  void everyRuleHasAFixture() {
    var without = new TreeSet<>(RULES.all().keySet());
    without.removeAll(CULPRITS.keySet());
    assertEquals(Set.of("cycles"), without);
  }
}
