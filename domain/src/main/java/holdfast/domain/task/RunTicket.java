package holdfast.domain.task;

/**
 * What a run is given before it starts, and what its processes are later known by.
 *
 * @param cookie random, unique to the run
 * @param run the first run of an attempt that begins with this ticket: usually 1. A run directory
 *     is never used twice, and there may be some of attempts that were forgotten
 */
public record RunTicket(String cookie, Owner owner, HostIdentity host, int run) {

  /** The ticket of a run like any other. */
  public RunTicket(String cookie, Owner owner, HostIdentity host) {
    this(cookie, owner, host, 1);
  }
}
