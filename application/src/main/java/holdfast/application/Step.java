package holdfast.application;

import holdfast.domain.port.Change;
import holdfast.domain.port.TaskStorage.Origin;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A decision: what to commit, and the answer once that is durable.
 *
 * @param change null if the answer needs nothing new
 * @param lookedAt the pending change that the decision rests upon, or null if it rests upon durable
 *     facts alone; nobody is answered before it is durable
 * @param answer made from the seq at which the decision is durable
 */
record Step<T>(
    @Nullable Change change,
    Origin origin,
    PendingChanges.@Nullable Pending lookedAt,
    LongFunction<Answer<T>> answer) {

  static <T> Step<T> commit(
      Change change,
      Origin origin,
      PendingChanges.@Nullable Pending lookedAt,
      LongFunction<Answer<T>> answer) {
    return new Step<>(change, origin, lookedAt, answer);
  }

  static <T> Step<T> answer(
      PendingChanges.@Nullable Pending lookedAt, LongFunction<Answer<T>> answer) {
    return new Step<>(null, Origin.CLIENT, lookedAt, answer);
  }

  static <T> Step<T> answer(PendingChanges.@Nullable Pending lookedAt, Answer<T> answer) {
    return answer(lookedAt, (long _) -> answer);
  }
}
