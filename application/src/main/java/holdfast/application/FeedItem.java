package holdfast.application;

import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;

/** An entity as subscribers see it. */
public sealed interface FeedItem {
  record TaskItem(Stored<Task> task) implements FeedItem {}

  record InitiativeItem(InitiativeView view) implements FeedItem {}
}
