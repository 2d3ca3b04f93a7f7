package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.web.OpenApi.Operation;
import holdfast.application.HealthReport;
import holdfast.application.ShutdownPreview;
import holdfast.application.ShutdownTasks;
import holdfast.domain.initiative.InitiativeState;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.SyncStrategy;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunDecision;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskState;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.net.URI;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code openapi.json} by itself, and its words beside those of the code. */
class OpenApiTest {
  private static final ContractNode ROOT = ContractNode.openApi();
  private static final ContractNode COMPONENTS = ROOT.get("components");
  private static final Pattern QUOTED = Pattern.compile("`([a-z-]+)`");
  private final ContractShapes shapes = new ContractShapes();

  private void assertSound() {
    assertEquals(List.of(), shapes.flaws());
  }

  @Test
  void itHasWhatTheSpecificationDemands() {
    shapes.shape(ROOT, "the document", "openapi info paths", "servers security tags components");
    shapes.shape(ROOT.get("info"), "info", "title version", "summary description");
    assertEquals("3.1.0", ROOT.text("openapi"));
    var tags = new TreeSet<String>();
    for (ContractNode tag : ROOT.get("tags").elements()) {
      shapes.shape(tag, "a tag", "name description", "");
      tags.add(String.valueOf(tag.text("name")));
    }
    ROOT.get("paths")
        .members()
        .forEach((path, item) -> shapes.require(path.startsWith("/"), path + " is no path"));
    var ids = new HashSet<String>();
    for (Operation operation : OpenApi.operations()) {
      operation(operation);
      String id = String.valueOf(operation.node().text("operationId"));
      shapes.require(ids.add(id), id + " is the id of two operations");
      operation.node().get("tags").elements().stream()
          .map(tag -> ((Json.Text) tag.value()).value())
          .forEach(tag -> shapes.require(tags.contains(tag), "there is no tag " + tag));
    }
    COMPONENTS
        .get("securitySchemes")
        .members()
        .forEach(
            (name, scheme) -> shapes.shape(scheme, name, "type description", "scheme in name"));
    assertTrue(ids.size() > 40, ids.toString());
    assertSound();
  }

  private void operation(Operation operation) {
    String name = operation.name();
    ContractNode node = operation.node();
    shapes.shape(
        node,
        name,
        "tags operationId summary responses",
        "description security parameters requestBody");
    boolean hasId = operation.path().contains("{id}");
    var seen = new HashSet<String>();
    for (ContractNode parameter : operation.parameters()) {
      shapes.shape(parameter, name, "name in schema", "description required style explode example");
      String in = String.valueOf(parameter.text("in"));
      shapes.require(seen.add(in + " " + parameter.text("name")), name + " has a parameter twice");
      if (in.equals("path")) {
        shapes.require(
            hasId && parameter.raw().containsKey("required"), name + " has no such parameter");
      } else {
        shapes.require(Set.of("query", "header").contains(in), name + " has one in " + in);
      }
    }
    shapes.require(seen.contains("path id") == hasId, name + " does not describe its path");
    ContractNode body = node.find("requestBody");
    if (body != null) {
      shapes.shape(body, name, "required content", "description");
      body.get("content").members().forEach((type, media) -> media(media, name + " " + type));
    }
    ContractNode responses = node.get("responses");
    shapes.require(responses.raw().containsKey("default"), name + " has no default");
    responses.members().forEach((status, response) -> response(response, name + " " + status));
    shapes.require(
        operation.statuses().stream().anyMatch(status -> status.compareTo("400") < 0),
        name + " never succeeds");
  }

  private void response(ContractNode response, String where) {
    shapes.shape(response, where, "description", "headers content");
    ContractNode headers = response.find("headers");
    if (headers != null) {
      headers
          .members()
          .forEach(
              (name, one) -> shapes.shape(one, where + name, "schema", "description required"));
    }
    ContractNode content = response.find("content");
    if (content != null) {
      content.members().forEach((type, media) -> media(media, where + " " + type));
    }
  }

  private void media(ContractNode media, String where) {
    media
        .raw()
        .keySet()
        .forEach(
            name ->
                shapes.require(
                    Set.of("schema", "example", "x-line-schema", "x-event-schemas").contains(name),
                    where + " cannot have " + name));
  }

  @Test
  void everyReferenceLeadsSomewhereAndEveryComponentIsUsed() {
    Set<String> used = ContractShapes.references(ROOT);
    used.addAll(ContractShapes.references(ContractNode.asyncApi()));
    for (String kind : List.of("parameters", "headers", "responses", "schemas")) {
      for (String name : COMPONENTS.get(kind).raw().keySet()) {
        shapes.require(
            used.contains("openapi.json#/components/" + kind + "/" + name), name + " is not used");
      }
    }
    assertSound();
  }

  @Test
  void whatIsSentHasAllItsMembersAlways() {
    var requests = new TreeSet<String>();
    for (Operation operation : OpenApi.operations()) {
      ContractNode body = operation.jsonBody();
      if (body != null) {
        String reference = String.valueOf(body.node(body.raw().get("schema")).reference());
        requests.add(reference.substring(reference.lastIndexOf('/') + 1));
      }
    }
    assertTrue(requests.contains("TaskSubmission"), requests.toString());
    COMPONENTS
        .get("schemas")
        .members()
        .forEach((name, schema) -> shapes.always(name, schema, requests));
    assertSound();
  }

  @Test
  void everyCodeIsThereAndNamedByAnAnswerOfItsStatus() {
    Set<String> codes =
        Arrays.stream(ProblemCode.values()).map(ProblemCode::code).collect(Collectors.toSet());
    assertEquals(codes, words("ProblemCode"));
    var named = new TreeSet<String>();
    for (Operation operation : OpenApi.operations()) {
      operation
          .node()
          .get("responses")
          .members()
          .forEach(
              (status, response) -> {
                for (ProblemCode code : named(response)) {
                  named.add(code.code());
                  shapes.require(
                      status.equals("default") || status.equals("" + code.status()),
                      operation.name() + " has " + code.code() + " for " + status);
                }
              });
    }
    // It is of no operation: the method is none that is described.
    named.add(ProblemCode.METHOD_NOT_ALLOWED.code());
    assertEquals(new TreeSet<>(codes), named);
    assertSound();
  }

  private static List<ProblemCode> named(ContractNode response) {
    Set<String> quoted =
        QUOTED
            .matcher(String.valueOf(response.text("description")))
            .results()
            .map(found -> found.group(1))
            .collect(Collectors.toSet());
    return Arrays.stream(ProblemCode.values())
        .filter(code -> quoted.contains(code.code()))
        .toList();
  }

  private static Set<String> words(String schema) {
    return words(COMPONENTS.get("schemas").get(schema));
  }

  private static Set<String> words(ContractNode schema) {
    return schema.get("enum").elements().stream()
        .filter(one -> one.value() instanceof Json.Text)
        .map(one -> ((Json.Text) one.value()).value())
        .collect(Collectors.toSet());
  }

  private static Set<String> names(Enum<?>[] constants) {
    return Arrays.stream(constants).map(Enum::name).collect(Collectors.toSet());
  }

  private static Set<String> lower(Enum<?>[] constants) {
    return names(constants).stream()
        .map(name -> name.toLowerCase(Locale.ROOT).replace('_', '-'))
        .collect(Collectors.toSet());
  }

  private static ContractNode member(String schema, String name) {
    return COMPONENTS.get("schemas").get(schema).get("properties").get(name);
  }

  @Test
  void itsWordsAreThoseOfTheCode() {
    assertEquals(names(TaskState.Name.values()), words("TaskState"));
    assertEquals(
        names(TaskState.Name.values()),
        COMPONENTS.get("schemas").get("StateCounts").get("properties").raw().keySet());
    assertEquals(names(InitiativeState.values()), words("InitiativeState"));
    assertEquals(lower(OutputStreamName.values()), words("StreamName"));
    assertEquals(lower(SyncStrategy.values()), words("SyncStrategy"));
    assertEquals(lower(Conflict.Kept.values()), words("Side"));
    assertEquals(lower(SnapshotStorage.Reason.values()), words("SnapshotReason"));
    assertEquals(lower(RecoveryReport.Cause.values()), words("StartCause"));
    assertEquals(lower(RunDecision.values()), words("Decision"));
    assertEquals(lower(EventLog.Category.values()), words("LogCategory"));
    assertEquals(lower(HealthReport.Status.values()), words("HealthStatus"));
    assertEquals(lower(ShutdownTasks.values()), words("ShutdownPolicy"));
    assertEquals(lower(ShutdownTasks.values()), words(member("ShutdownOrder", "tasks")));
    assertEquals(names(ShutdownPreview.Fate.values()), words(member("ShutdownItem", "fate")));
    assertEquals(
        names(ShutdownPreview.Fate.values()),
        member("ShutdownPreview", "counts").get("properties").raw().keySet());
    assertEquals(lower(AuditTrail.Flaw.values()), words(member("BrokenEntry", "flaw")));
    assertEquals(lower(EntityKey.Kind.values()), words(member("Conflict", "entity")));
    assertEquals(lower(EntityKey.Kind.values()), words(member("RestorationLine", "entity")));
    for (String schema : List.of("Task", "TaskSubmission")) {
      assertEquals(lower(OnLost.values()), words(member(schema, "onLost")));
      assertEquals(lower(StdinMode.values()), words(member(schema, "stdin")));
      assertEquals(lower(OutputMode.values()), words(member(schema, "output")));
    }
    Set<String> verdicts =
        Stream.of(RecoveryVerdict.class.getPermittedSubclasses())
            .map(one -> one.getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", "_"))
            .map(name -> name.toUpperCase(Locale.ROOT))
            .collect(Collectors.toSet());
    assertEquals(verdicts, words("Verdict"));
  }

  @Test
  void itsVersionIsThatOfTheProduct() throws IOException {
    // Tests run on the class path, where no module has a descriptor.
    String module =
        HoldfastWeb.class.getProtectionDomain().getCodeSource().getLocation() + "module-info.class";
    String version;
    try (InputStream in = URI.create(module).toURL().openStream()) {
      version = ModuleDescriptor.read(in).rawVersion().orElseThrow();
    }
    assertEquals(version, ROOT.get("info").text("version"));
    assertEquals(version, ContractNode.asyncApi().get("info").text("version"));
  }
}
