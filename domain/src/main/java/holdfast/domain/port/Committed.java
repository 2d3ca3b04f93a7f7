package holdfast.domain.port;

/**
 * A change that is durable.
 *
 * @param seq its place in the global order of changes, from 1 without gaps
 */
public record Committed(long seq, Change change) {}
