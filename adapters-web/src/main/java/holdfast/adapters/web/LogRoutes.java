package holdfast.adapters.web;

import holdfast.application.Holdfast;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import holdfast.domain.port.EventLogReader.Page;
import holdfast.domain.port.EventLogReader.Place;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.TaskId;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code /api/logs}: what happened, newest first. */
final class LogRoutes {
  static final String NDJSON = "application/x-ndjson";
  private static final int TEXT_MAX = 1_000;
  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Header NDJSON_TYPE =
      HeaderValues.createCached(HeaderNames.CONTENT_TYPE, NDJSON);
  private static final HeaderName NEXT = HeaderNames.create("Holdfast-Next-Cursor");
  private static final HeaderName SKIPPED = HeaderNames.create("Holdfast-Skipped");
  private static final HeaderName REMOVED = HeaderNames.create("Holdfast-Removed");

  private final Holdfast application;

  /** Searching keeps a processor busy: some are left for everybody else. */
  private final Semaphore turns =
      new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));

  LogRoutes(Holdfast application) {
    this.application = application;
  }

  Route route() {
    return new Route(
        "GET",
        "/api/logs",
        Access.TOKEN,
        Set.of("category", "type", "taskId", "initiativeId", "from", "to", "q", "limit", "cursor"),
        Accepts.ANYTHING,
        this::list);
  }

  private Response list(Call call) throws InterruptedException {
    boolean asLines = wantsLines(call.header(HeaderNames.ACCEPT));
    Filter filter = filter(call.query());
    int limit = call.query().number("limit", 1, TaskRoutes.PAGE_MAX, TaskRoutes.PAGE_USUAL);
    String cursor = call.query().text("cursor");
    Page page = read(filter, cursor == null ? null : Cursor.log(cursor), limit);
    return asLines ? lines(page) : json(page);
  }

  /**
   * Whether a line each is wanted rather than one object.
   *
   * @throws RefusedException with status 406 if neither would be accepted
   */
  private static boolean wantsLines(@Nullable String accept) {
    if (accept == null) {
      return false;
    }
    boolean named = accept.toLowerCase(Locale.ROOT).contains(NDJSON);
    if (named && Accepts.allows(accept, NDJSON)) {
      return true;
    }
    if (!Accepts.allows(accept, Route.JSON)) {
      throw new RefusedException(
          Problem.of(ProblemCode.NOT_ACCEPTABLE, "the answer is " + Route.JSON + " or " + NDJSON));
    }
    return false;
  }

  private Page read(Filter filter, @Nullable Place place, int limit) throws InterruptedException {
    if (!turns.tryAcquire(RETRY.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new RefusedException(
          Problem.retryAfter(ProblemCode.BUSY, "others are searching the logs", RETRY));
    }
    try {
      return application.eventLog().page(filter, place, limit);
    } catch (StorageException e) {
      throw new RefusedException(
          Problem.retryAfter(ProblemCode.BUSY, String.valueOf(e.getMessage()), RETRY));
    } finally {
      turns.release();
    }
  }

  private static Filter filter(Query query) {
    Instant from = time(query, "from");
    Instant to = time(query, "to");
    if (from != null && to != null && from.isAfter(to)) {
      throw Query.refused("from", "is later than to");
    }
    String task = query.text("taskId");
    if (task != null && !TaskId.isValid(task)) {
      throw Query.refused("taskId", "is not the id of a task");
    }
    String initiative = query.text("initiativeId");
    if (initiative != null && !InitiativeId.isValid(initiative)) {
      throw Query.refused("initiativeId", "is not the id of an initiative");
    }
    String type = query.text("type");
    if (type != null && !isType(type)) {
      throw Query.refused("type", "is no type, such as process-started");
    }
    String text = query.text("q");
    if (text != null && text.length() > TEXT_MAX) {
      throw Query.refused("q", "is longer than " + TEXT_MAX + " characters");
    }
    return new Filter(categories(query.text("category")), type, task, initiative, from, to, text);
  }

  static boolean isType(String type) {
    return type.matches("[a-z0-9_-]{1,100}");
  }

  private static Set<Category> categories(@Nullable String names) {
    Set<Category> categories = EnumSet.noneOf(Category.class);
    if (names != null) {
      for (String name : names.split(",", -1)) {
        Category category = category(name);
        if (category == null) {
          throw Query.refused("category", "must name categories: " + categoryNames());
        }
        categories.add(category);
      }
    }
    return categories;
  }

  /** The category of this name, or null. */
  static @Nullable Category category(String name) {
    return Arrays.stream(Category.values())
        .filter(category -> category.label().equals(name))
        .findFirst()
        .orElse(null);
  }

  static String categoryNames() {
    return Arrays.stream(Category.values())
        .map(Category::label)
        .sorted()
        .collect(Collectors.joining(", "));
  }

  private static @Nullable Instant time(Query query, String name) {
    String value = query.text(name);
    if (value == null) {
      return null;
    }
    try {
      return Instant.parse(value);
    } catch (DateTimeException e) {
      throw Query.refused(name, "must be a time such as 2026-11-26T12:00:00Z");
    }
  }

  private static @Nullable String cursor(Page page) {
    Place next = page.next();
    return next == null ? null : Cursor.of(next);
  }

  private Response json(Page page) {
    var body = new JsonBytes(512 + page.lines().size() * 256);
    body.ascii("{\"items\":[");
    String separator = "";
    for (Line line : page.lines()) {
      body.ascii(separator).utf8(line.json());
      separator = ",";
    }
    body.ascii("],\"nextCursor\":").text(cursor(page));
    body.ascii(",\"epoch\":").text(application.state().epoch());
    body.ascii(",\"seq\":").number(page.newest());
    body.ascii(",\"skipped\":").number(page.skipped());
    body.ascii(",\"removed\":").ascii(page.removed() ? "true}" : "false}");
    return Answers.json(Status.OK_200, body.toBytes());
  }

  private static Response lines(Page page) {
    var body = new JsonBytes(512 + page.lines().size() * 256);
    page.lines().forEach(line -> body.utf8(line.json()).ascii("\n"));
    var headers = new ArrayList<Header>();
    headers.add(NDJSON_TYPE);
    String next = cursor(page);
    if (next != null) {
      headers.add(HeaderValues.create(NEXT, next));
    }
    headers.add(HeaderValues.create(SKIPPED, page.skipped()));
    headers.add(HeaderValues.create(REMOVED, String.valueOf(page.removed())));
    return new Response.Whole(Status.OK_200, body.toBytes(), List.copyOf(headers));
  }
}
