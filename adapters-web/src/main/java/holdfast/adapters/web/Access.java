package holdfast.adapters.web;

/** Who may use a route. There is no route without one of these, and TOKEN is the default. */
enum Access {
  /** Everybody who names the right host: the probes. */
  ANYBODY,
  /** Everybody who names the right host; the route itself asks for a one-time code. */
  CODE,
  /**
   * Whoever has the token, or a cookie that was given out for a code; to look and not to change
   * anything, also whoever has the token for reading.
   */
  TOKEN,
  /** As {@link #TOKEN}, and to look, the very task that the path names, while it runs. */
  TASK
}
