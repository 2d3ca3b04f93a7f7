package holdfast.application;

import holdfast.domain.port.Change;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a line into the event log for every committed change of a task or an initiative, with its
 * seq. A crash may lose the last ones; the next start writes them again from the journal, each
 * once.
 */
final class ChangeLog {
  /** What is lacking beyond that is told in a line instead. */
  static final int REBUILT_MAX = 100_000;

  /** So many at once, so that the log has room for all of them. */
  private static final int REBUILT_AT_ONCE = 1_000;

  private final Ports ports;
  private final InstantSource clock;

  ChangeLog(Ports ports, InstantSource clock) {
    this.ports = ports;
    this.clock = clock;
  }

  /** Logs a change of an initiative. On the storage's thread. */
  void committed(Committed committed) {
    Entry entry = initiative(committed, false);
    if (entry != null) {
      ports.events().append(entry);
    }
  }

  /** Logs a change of a task. On the storage's thread. */
  void changed(TaskChange change) {
    Task task = change.after() == null ? change.before() : change.after();
    if (task != null) {
      // Nothing in it comes from a user, so nothing has to be kept from being shown.
      ports
          .events()
          .append(
              new Entry(
                  change.at(),
                  Category.TASK,
                  change.cause(),
                  data(task, change.seq(), change.after() != null)));
    }
  }

  private static Map<String, Object> data(Task task, long seq, boolean isThere) {
    var data = new LinkedHashMap<String, Object>();
    data.put("taskId", task.id().value());
    if (task.spec().initiative() != null) {
      data.put("initiativeId", task.spec().initiative());
    }
    data.put("seq", seq);
    if (isThere) {
      data.put("state", task.state().name().name());
      if (!task.attempts().isEmpty()) {
        data.put("attempt", task.attempts().size());
      }
    }
    return data;
  }

  /** Details that begin with what they are about. */
  static Map<String, Object> data(TaskId id, @Nullable Task task, Map<String, Object> details) {
    var data = new LinkedHashMap<String, Object>();
    data.put("taskId", id.value());
    if (task != null && task.spec().initiative() != null) {
      data.put("initiativeId", task.spec().initiative());
    }
    data.putAll(details);
    return data;
  }

  private static @Nullable Entry initiative(Committed committed, boolean rebuilt) {
    Change change = committed.change();
    String id =
        switch (change) {
          case Change.PutInitiative put -> put.initiative().id().value();
          case Change.DeleteInitiative delete -> delete.id().value();
          case Change.PutTask _, Change.PurgeTask _ -> null;
        };
    if (id == null) {
      return null;
    }
    var data = new LinkedHashMap<String, Object>();
    data.put("initiativeId", id);
    data.put("seq", committed.seq());
    return entry(change, Category.INITIATIVE, data, rebuilt);
  }

  private static @Nullable Entry task(Committed committed, boolean rebuilt) {
    Change change = committed.change();
    return switch (change) {
      case Change.PutTask put ->
          entry(change, Category.TASK, data(put.task(), committed.seq(), true), rebuilt);
      case Change.PurgeTask purge -> {
        var data = data(purge.id(), null, Map.of("seq", committed.seq()));
        yield entry(change, Category.TASK, data, rebuilt);
      }
      case Change.PutInitiative _, Change.DeleteInitiative _ -> null;
    };
  }

  private static Entry entry(
      Change change, Category category, Map<String, Object> data, boolean rebuilt) {
    if (rebuilt) {
      data.put("rebuilt", true);
    }
    return new Entry(change.at(), category, change.cause(), data);
  }

  /**
   * Writes the lines that the log lacks, from the journal. Before anything new is committed.
   *
   * <p>The log writes lines of initiatives before those of tasks, so nothing is lacking before the
   * last task line there is; see {@link EventLog}.
   *
   * @param last the seq of the newest change
   */
  void rebuild(long last) {
    try {
      long tasks = ports.events().reader().lastSeq(Category.TASK);
      long initiatives = ports.events().reader().lastSeq(Category.INITIATIVE);
      long begin = Math.max(tasks, last - REBUILT_MAX);
      List<Committed> changes = ports.tasks().changes(begin, REBUILT_AT_ONCE);
      long lacking = (changes.isEmpty() ? last + 1 : changes.getFirst().seq()) - 1;
      if (tasks > 0 && lacking > tasks) {
        tellGap(tasks + 1, lacking);
      }
      while (!changes.isEmpty()) {
        for (Committed committed : changes) {
          rebuild(committed, initiatives);
        }
        ports.events().flush();
        changes = ports.tasks().changes(changes.getLast().seq(), REBUILT_AT_ONCE);
      }
    } catch (StorageException e) {
      // Whatever keeps the log or the journal from being read must not keep the server from
      // starting: the state was recovered.
      ports.log(
          clock.instant(),
          Category.ERROR,
          "log-not-rebuilt",
          Map.of("error", String.valueOf(e.getMessage())));
    }
  }

  private void tellGap(long from, long to) {
    var data = new LinkedHashMap<String, Object>();
    data.put("lost", to - from + 1);
    data.put("fromSeq", from);
    data.put("toSeq", to);
    data.put("reason", "changes that the log lacked are not in the journal any more");
    ports.events().append(new Entry(clock.instant(), Category.TASK, "gap", data));
  }

  private void rebuild(Committed committed, long initiatives) {
    Entry task = task(committed, true);
    if (task != null) {
      ports.events().append(task);
    }
    Entry initiative = committed.seq() > initiatives ? initiative(committed, true) : null;
    if (initiative != null) {
      ports.events().append(initiative);
    }
  }
}
