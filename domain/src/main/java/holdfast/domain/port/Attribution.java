package holdfast.domain.port;

/**
 * On whose behalf something is done, for the {@link AuditTrail}. Nothing in it is secret.
 *
 * @param actor who: {@code admin} has the token, {@code session} a browser's cookie, {@code reader}
 *     the token for reading, {@code task:<id>} that of a task, {@code anybody} is let in without
 *     either, {@code nobody} was not let in, {@code edit} wrote to a state file, {@code operator}
 *     has the data directory, {@code system} is the server itself
 * @param from the remote address, or the place that it came by
 * @param action the route or command, without what varies in it
 */
public record Attribution(String actor, String from, String action) {
  /** The server itself. */
  public static final String SYSTEM = "system";

  /** Where the server's own acts come from. */
  public static final String SERVER = "server";

  /** What the server does by itself. */
  public static Attribution system(String action) {
    return new Attribution(SYSTEM, SERVER, action);
  }
}
