package holdfast.adapters.web;

import holdfast.application.EventFeed;
import holdfast.application.FeedFilter;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a client wants to follow. */
sealed interface SubscribeMessage {
  /** Bytes in flight when the client does not say otherwise. */
  long USUAL_CREDIT = 1024 * 1024;

  /**
   * Tasks or initiatives.
   *
   * @param since where the client had got to, or null to begin with the list
   */
  record State(EventFeed.Topic topic, FeedFilter filter, EventFeed.@Nullable Since since)
      implements SubscribeMessage {}

  /**
   * Lines of the event log.
   *
   * @param since where the client had got to, or null to begin with what comes next
   */
  record Logs(EventLogReader.Filter filter, EventFeed.@Nullable Since since)
      implements SubscribeMessage {}

  /**
   * How the components of the server are.
   *
   * @param since where the client had got to, or null to begin with all of them
   */
  record Health(EventFeed.@Nullable Since since) implements SubscribeMessage {}

  /**
   * Rounds of sync, and edits of state files.
   *
   * @param since where the client had got to, or null to begin with all that is kept
   */
  record Sync(EventFeed.@Nullable Since since) implements SubscribeMessage {}

  /**
   * An output.
   *
   * @param attempt null for the last one
   * @param stream null for the first that the task has
   * @param offset null where {@code tailBytes} counts from the end instead
   */
  record Output(
      String taskId,
      @Nullable Integer attempt,
      @Nullable OutputStreamName stream,
      @Nullable Long offset,
      @Nullable Long tailBytes,
      long credit)
      implements SubscribeMessage {

    /** Where to begin in a stream that has {@code end} bytes so far. */
    long from(long end) {
      if (tailBytes != null) {
        return Math.max(0, end - tailBytes);
      }
      return offset == null ? 0 : offset;
    }
  }

  /**
   * Reads what follows type and id.
   *
   * @throws RefusedException with status 400
   */
  static SubscribeMessage read(BodyReader message) {
    String topic = message.text("topic");
    SubscribeMessage wanted =
        switch (topic) {
          case "tasks" -> state(EventFeed.Topic.TASKS, message);
          case "initiatives" -> state(EventFeed.Topic.INITIATIVES, message);
          case "health" -> new Health(sinceIn(message));
          case "sync" -> new Sync(sinceIn(message));
          case "logs" -> logs(message);
          case "output" -> output(message);
          case null, default ->
              throw new RefusedException(
                  Problem.invalid(
                      "/topic", "must be one of health, initiatives, logs, output, sync, tasks"));
        };
    message.finish();
    message.violations().refuseIfAny();
    return wanted;
  }

  private static State state(EventFeed.Topic topic, BodyReader message) {
    BodyReader filter = message.object("filter");
    return new State(topic, filter == null ? FeedFilter.ALL : filter(filter), sinceIn(message));
  }

  private static Logs logs(BodyReader message) {
    BodyReader filter = message.object("filter");
    return new Logs(
        filter == null ? EventLogReader.Filter.ALL : logFilter(filter), sinceIn(message));
  }

  private static EventLogReader.Filter logFilter(BodyReader filter) {
    String task = taskId(filter);
    String initiative = initiativeId(filter);
    String type = filter.text("type");
    if (type != null && !LogRoutes.isType(type)) {
      filter.complain("type", "is no type, such as process-started");
    }
    Set<Category> categories = EnumSet.noneOf(Category.class);
    for (String name : names(filter, "category")) {
      Category category = LogRoutes.category(name);
      if (category == null) {
        filter.complain("category", "must name categories: " + LogRoutes.categoryNames());
      } else {
        categories.add(category);
      }
    }
    filter.finish();
    filter.violations().refuseIfAny();
    return new EventLogReader.Filter(categories, type, task, initiative, null, null, null);
  }

  private static @Nullable String taskId(BodyReader filter) {
    String task = filter.text("taskId");
    if (task != null && !TaskId.isValid(task)) {
      filter.complain("taskId", "is not the id of a task");
    }
    return task;
  }

  private static @Nullable String initiativeId(BodyReader filter) {
    String initiative = filter.text("initiativeId");
    if (initiative != null && !InitiativeId.isValid(initiative)) {
      filter.complain("initiativeId", "is not the id of an initiative");
    }
    return initiative;
  }

  private static FeedFilter filter(BodyReader filter) {
    String task = taskId(filter);
    String initiative = initiativeId(filter);
    Set<TaskState.Name> states = states(filter);
    filter.finish();
    filter.violations().refuseIfAny();
    return new FeedFilter(
        task == null ? null : new TaskId(task),
        initiative == null ? null : new InitiativeId(initiative),
        states);
  }

  private static Set<TaskState.Name> states(BodyReader filter) {
    Set<TaskState.Name> states = EnumSet.noneOf(TaskState.Name.class);
    for (String name : names(filter, "state")) {
      try {
        states.add(TaskState.Name.valueOf(name));
      } catch (IllegalArgumentException e) {
        filter.complain("state", "must name states: " + List.of(TaskState.Name.values()));
      }
    }
    return states;
  }

  /** One name, several separated by commas as in the REST call, or an array of names. */
  private static List<String> names(BodyReader filter, String member) {
    List<String> names = filter.isArray(member) ? filter.texts(member) : split(filter.text(member));
    return names == null ? List.of() : names;
  }

  private static @Nullable List<String> split(@Nullable String names) {
    return names == null ? null : List.of(names.split(",", -1));
  }

  private static EventFeed.@Nullable Since sinceIn(BodyReader message) {
    BodyReader since = message.object("since");
    if (since == null) {
      return null;
    }
    String epoch = since.text("epoch");
    Long seq = since.number("seq", 0, Long.MAX_VALUE);
    if (epoch == null || seq == null) {
      since.complain("epoch", "and seq are both required");
    }
    since.finish();
    return epoch == null || seq == null ? null : new EventFeed.Since(epoch, seq);
  }

  private static Output output(BodyReader message) {
    String task = message.text("taskId");
    if (task == null) {
      message.complain("taskId", "is missing");
    }
    Integer attempt = message.integer("attempt", 1, 1_000_000);
    OutputStreamName stream = message.choice("stream", OutputRoutes.STREAMS);
    Long offset = message.number("offset", 0, Long.MAX_VALUE);
    Long tail = message.number("tailBytes", 0, Long.MAX_VALUE);
    Long credit = message.number("credit", 0, Long.MAX_VALUE);
    if (offset != null && tail != null) {
      message.complain("tailBytes", "and offset exclude each other");
    }
    message.violations().refuseIfAny();
    return new Output(
        String.valueOf(task),
        attempt,
        stream,
        offset,
        tail,
        credit == null ? USUAL_CREDIT : credit);
  }
}
