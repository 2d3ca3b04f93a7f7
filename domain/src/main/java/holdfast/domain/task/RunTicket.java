package holdfast.domain.task;

/**
 * What a run is given before it starts, and what its processes are later known by.
 *
 * @param cookie random, unique to the run
 */
public record RunTicket(String cookie, Owner owner, HostIdentity host) {}
