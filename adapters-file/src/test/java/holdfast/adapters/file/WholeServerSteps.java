package holdfast.adapters.file;

import holdfast.domain.port.Change;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Random work for a {@link WholeServer}. */
final class WholeServerSteps {
  private final RandomGenerator random;
  private long number;

  WholeServerSteps(RandomGenerator random) {
    this.random = random;
  }

  /** Numbers new entities from here on. */
  void beginAt(long first) {
    number = first;
  }

  /** Does one thing. */
  void step(WholeServer server) throws IOException {
    switch (random.nextInt(10)) {
      case 0 -> server.seal();
      case 1, 2 -> server.sync();
      case 3, 4 -> server.snapshot();
      default -> server.commit(changes(server.model(), 1 + random.nextInt(3)));
    }
  }

  /** Changes of different entities: of one that is there, or of a new one. */
  List<Change> changes(Model model, int count) {
    var changes = new ArrayList<Change>();
    var taken = new ArrayList<EntityKey>();
    while (changes.size() < count) {
      Change change = change(model);
      if (!taken.contains(change.key())) {
        taken.add(change.key());
        changes.add(change);
      }
    }
    return changes;
  }

  private Change change(Model model) {
    List<Stored<Task>> tasks = model.tasks();
    int choice = tasks.isEmpty() ? 0 : random.nextInt(8);
    if (choice < 3) {
      number++;
      return SampleTasks.submit(
          number,
          SampleTasks.elaborateSpec(),
          random.nextBoolean()
              ? SampleTasks.idempotency("task:" + number, EntityKey.of(SampleTasks.id(number)))
              : null);
    }
    if (choice == 3) {
      number++;
      return SampleTasks.initiative(number, "initiative " + number);
    }
    Task task = tasks.get(random.nextInt(tasks.size())).entity();
    if (choice == 4) {
      return SampleTasks.purge(task);
    }
    return SampleTasks.change(
        task, new TaskEvent.Patched(SampleTasks.NOON.plusSeconds(number), task.spec()));
  }
}
