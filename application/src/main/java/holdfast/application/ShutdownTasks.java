package holdfast.application;

/** What a shutdown does to tasks that run. Those that wait keep waiting in any case. */
public enum ShutdownTasks {
  /** They run on without the server; the next start adopts them. */
  KEEP,
  /** They are waited for as long as the shutdown may take; what is left then runs on. */
  DRAIN,
  /**
   * They are stopped: TERM, their grace, KILL. A task whose grace is longer than the shutdown may
   * take is left as it is being stopped; the next start goes on with that.
   */
  STOP
}
