package holdfast.domain.task;

/**
 * The server that answers for an attempt.
 *
 * @param instanceId the lineage of the data directory
 * @param term of the start that last took charge; a fencing token, larger at every start
 */
public record Owner(String instanceId, long term) {}
