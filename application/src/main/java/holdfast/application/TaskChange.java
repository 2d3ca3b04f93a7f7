package holdfast.application;

import holdfast.domain.task.Task;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A committed change of one task.
 *
 * @param before null for a new task
 * @param after null for a purged one
 */
public record TaskChange(
    long seq, String cause, Instant at, @Nullable Task before, @Nullable Task after) {}
