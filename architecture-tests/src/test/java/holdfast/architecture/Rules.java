package holdfast.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.FileReader;
import java.io.FileWriter;
import java.io.RandomAccessFile;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * What the compiler cannot enforce, for all modules under one root package. The root is a parameter
 * so that the same rules can be held against classes that break them.
 */
final class Rules {
  /** The package of each module, below the root. */
  static final List<String> MODULES =
      List.of(
          "domain",
          "application",
          "adapters.file",
          "adapters.process",
          "adapters.web",
          "bootstrap");

  private static final List<String> ADAPTERS = List.of("file", "process", "web");

  private static final Map<Class<?>, Set<String>> TIME_AND_CHANCE =
      Map.of(
          java.time.Instant.class, Set.of("now"),
          java.time.LocalDate.class, Set.of("now"),
          java.time.LocalDateTime.class, Set.of("now"),
          java.time.OffsetDateTime.class, Set.of("now"),
          java.time.ZonedDateTime.class, Set.of("now"),
          System.class, Set.of("currentTimeMillis", "nanoTime", "getLogger"),
          Math.class, Set.of("random"),
          UUID.class, Set.of("randomUUID"));

  private final String root;

  Rules(String root) {
    this.root = root;
  }

  /** Every rule, by a short name. */
  Map<String, ArchRule> all() {
    return Map.ofEntries(
        Map.entry("pure domain", domainIsPure()),
        Map.entry("domain needs the JDK alone", domainNeedsTheJdkAlone()),
        Map.entry("files", onlyTheDiskPackageTouchesFiles()),
        Map.entry("processes", onlyOneAdapterStartsAndSignalsProcesses()),
        Map.entry("web server", onlyTheWebAdapterKnowsTheWebServer()),
        Map.entry("adapters apart", noAdapterKnowsAnother()),
        Map.entry("application", applicationKnowsTheDomainAlone()),
        Map.entry("cycles", noPackageCycles()),
        Map.entry("open interfaces", openInterfacesAreBoundaries()),
        Map.entry("names", namesSayWhatAClassIs()));
  }

  ArchRule domainIsPure() {
    DescribedPredicate<JavaClass> world =
        resideInAnyPackage(
                "java.io..",
                "java.nio.file..",
                "java.nio.channels..",
                "java.net..",
                "java.util.concurrent..",
                "java.util.logging..",
                "org.slf4j..")
            .or(
                belongToAnyOf(
                    Clock.class,
                    InstantSource.class,
                    Random.class,
                    RandomGenerator.class,
                    SecureRandom.class,
                    Thread.class,
                    System.Logger.class));
    return noClasses()
        .that()
        .resideInAPackage(root + ".domain..")
        .should()
        .dependOnClassesThat(world)
        .orShould()
        .callMethodWhere(describe("asks for time, chance or a logger", Rules::asksTheWorld))
        .as("1. the domain knows no clock, chance, I/O, threads or logging");
  }

  private static boolean asksTheWorld(JavaCall<?> call) {
    return TIME_AND_CHANCE.entrySet().stream()
        .anyMatch(
            entry ->
                call.getTargetOwner().isEquivalentTo(entry.getKey())
                    && entry.getValue().contains(call.getName()));
  }

  ArchRule domainNeedsTheJdkAlone() {
    return noClasses()
        .that()
        .resideInAPackage(root + ".domain..")
        .should()
        .dependOnClassesThat()
        .resideOutsideOfPackages(root + ".domain..", "java..", "org.jspecify..")
        .as("1. the domain needs the JDK alone");
  }

  ArchRule onlyTheDiskPackageTouchesFiles() {
    return noClasses()
        .that()
        // What breaks files on purpose is no part of the server, and must not go through its code.
        .resideOutsideOfPackages(root + ".adapters.file.disk..", root + ".bootstrap.resilience..")
        .should()
        .dependOnClassesThat(
            belongToAnyOf(
                Files.class,
                FileChannel.class,
                AsynchronousFileChannel.class,
                File.class,
                FileDescriptor.class,
                FileInputStream.class,
                FileOutputStream.class,
                FileReader.class,
                FileWriter.class,
                RandomAccessFile.class))
        .as("2. only the disk package touches files by way of the JDK");
  }

  ArchRule onlyOneAdapterStartsAndSignalsProcesses() {
    return noClasses()
        .that()
        // The same holds for what kills servers on purpose.
        .resideOutsideOfPackages(root + ".adapters.process..", root + ".bootstrap.resilience..")
        .should()
        .dependOnClassesThat(belongToAnyOf(ProcessBuilder.class, Process.class))
        .orShould()
        .callMethodWhere(describe("starts or reaches a process", Rules::reachesAProcess))
        .as("2. only the process adapter starts, finds and signals processes");
  }

  /** Its own pid and start time are all that a process may learn of itself elsewhere. */
  private static boolean reachesAProcess(JavaCall<?> call) {
    if (call.getTargetOwner().isEquivalentTo(Runtime.class)) {
      return call.getName().equals("exec");
    }
    return call.getTargetOwner().isEquivalentTo(ProcessHandle.class)
        && !Set.of("current", "pid", "info").contains(call.getName());
  }

  ArchRule onlyTheWebAdapterKnowsTheWebServer() {
    return noClasses()
        .that()
        .resideOutsideOfPackages(root + ".adapters.web..", root + ".bootstrap..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.helidon..")
        .as("2. only the web adapter knows the web server");
  }

  ArchRule noAdapterKnowsAnother() {
    ArchCondition<JavaClass> condition =
        new ArchCondition<>("depend on another adapter") {
          @Override
          public void check(JavaClass item, ConditionEvents events) {
            Optional<String> own = adapterOf(item);
            item.getDirectDependenciesFromSelf()
                .forEach(
                    dependency -> {
                      Optional<String> other = adapterOf(dependency.getTargetClass());
                      boolean foreign = other.isPresent() && !other.equals(own);
                      events.add(
                          new SimpleConditionEvent(item, foreign, dependency.getDescription()));
                    });
          }
        };
    return noClasses()
        .that()
        .resideInAPackage(root + ".adapters..")
        .should(condition)
        .as("3. no adapter knows another");
  }

  private Optional<String> adapterOf(JavaClass type) {
    return ADAPTERS.stream()
        .filter(
            adapter -> {
              String home = root + ".adapters." + adapter;
              return type.getPackageName().equals(home)
                  || type.getPackageName().startsWith(home + ".");
            })
        .findFirst();
  }

  ArchRule applicationKnowsTheDomainAlone() {
    return noClasses()
        .that()
        .resideInAPackage(root + ".application..")
        .should()
        .dependOnClassesThat()
        .resideOutsideOfPackages(
            root + ".application..", root + ".domain..", "java..", "org.jspecify..")
        .as("3. the application knows the domain alone");
  }

  ArchRule noPackageCycles() {
    return slices()
        .matching(root + ".(**)")
        .should()
        .beFreeOfCycles()
        .as("4. no package cycles anywhere");
  }

  ArchRule openInterfacesAreBoundaries() {
    return noClasses()
        .that(describe("are open interfaces", Rules::isOpenInterface))
        .and()
        .resideOutsideOfPackages(root + ".domain.port..", root + ".adapters.file.disk..")
        .and(
            describe(
                "are not an adapter's own",
                type -> adapterOf(type).isEmpty() || isVisibleOutside(type)))
        .should(
            new ArchCondition<>("exist") {
              @Override
              public void check(JavaClass item, ConditionEvents events) {
                events.add(
                    new SimpleConditionEvent(
                        item, true, item.getName() + " is open to any implementation"));
              }
            })
        // None at all is what the rule asks for.
        .allowEmptyShould(true)
        .as("5. open interfaces are ports, or an adapter's own inner boundary");
  }

  private static boolean isOpenInterface(JavaClass type) {
    return type.isInterface() && !type.isAnnotation() && !type.reflect().isSealed();
  }

  private static boolean isVisibleOutside(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && type.getEnclosingClass().map(Rules::isVisibleOutside).orElse(true);
  }

  ArchRule namesSayWhatAClassIs() {
    return noClasses()
        .that()
        .resideInAPackage(root + "..")
        .should()
        .haveNameMatching(".*(Util|Utils|Helper|Helpers|Impl|Mapper)(\\$.*)?")
        .as("6. no class is named Util, Helper, Impl or Mapper");
  }

  /** The modules of which {@code classes} has none. */
  List<String> unseen(JavaClasses classes) {
    return MODULES.stream()
        .filter(
            module -> {
              String home = root + "." + module;
              return classes.stream()
                  .noneMatch(
                      type ->
                          type.getPackageName().equals(home)
                              || type.getPackageName().startsWith(home + "."));
            })
        .toList();
  }
}
