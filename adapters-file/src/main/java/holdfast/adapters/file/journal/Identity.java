package holdfast.adapters.file.journal;

import java.util.UUID;

/**
 * Whose history is written.
 *
 * @param lineage of the data directory
 * @param epoch of that lineage's history
 * @param term of the start that writes
 */
public record Identity(UUID lineage, long epoch, long term) {}
