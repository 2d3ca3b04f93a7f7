package holdfast.domain.port;

import org.jspecify.annotations.Nullable;

/**
 * On whose behalf something is done, for the {@link AuditTrail}. Nothing in it is secret.
 *
 * @param actor who: {@code admin} has the token, {@code session} a browser's cookie, {@code reader}
 *     the token for reading, {@code task:<id>} that of a task, {@code anybody} is let in without
 *     either, {@code nobody} was not let in, {@code edit} wrote to a state file, {@code operator}
 *     has the data directory, {@code system} is the server itself
 * @param from the remote address, or the place that it came by
 * @param action the route or command, without what varies in it
 * @param conflict id of the {@link Conflict} that is kept of it or settled by it, or null
 */
public record Attribution(String actor, String from, String action, @Nullable String conflict) {
  /** The server itself. */
  public static final String SYSTEM = "system";

  /** Where the server's own acts come from. */
  public static final String SERVER = "server";

  /** Without a conflict. */
  public Attribution(String actor, String from, String action) {
    this(actor, from, action, null);
  }

  /** The same, about a conflict. */
  public Attribution concerning(String id) {
    return new Attribution(actor, from, action, id);
  }

  /** What the server does by itself. */
  public static Attribution system(String action) {
    return new Attribution(SYSTEM, SERVER, action);
  }
}
