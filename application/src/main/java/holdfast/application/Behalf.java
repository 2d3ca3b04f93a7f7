package holdfast.application;

import holdfast.domain.port.Attribution;
import org.jspecify.annotations.Nullable;

/**
 * One request, for as long as a thread acts on somebody's behalf: whatever that thread commits
 * meanwhile bears its name, in the journal and in the audit trail. What a thread commits outside of
 * any is the server's own doing. For one thread.
 */
public final class Behalf {
  private static final ScopedValue<Behalf> CURRENT = ScopedValue.newInstance();

  private Attribution by;
  private boolean told;

  public Behalf(Attribution by) {
    this.by = by;
  }

  public Attribution by() {
    return by;
  }

  /** The one that the calling thread acts on, or null. */
  static @Nullable Behalf current() {
    return CURRENT.isBound() ? CURRENT.get() : null;
  }

  /** Says of what the calling thread does from now on that it settles a conflict. */
  static void settling(String conflict) {
    Behalf current = current();
    if (current != null) {
      current.by = current.by.concerning(conflict);
    }
  }

  /** Runs {@code action} on this behalf. */
  public <T, X extends Throwable> T call(ScopedValue.CallableOp<? extends T, X> action) throws X {
    return ScopedValue.where(CURRENT, this).call(action);
  }

  /** Whether the audit trail has an entry of what was done, so that it needs no other. */
  public boolean isTold() {
    return told;
  }

  void tell() {
    told = true;
  }

  /** Says of what the calling thread does that the trail has an entry. */
  static void told() {
    Behalf current = current();
    if (current != null) {
      current.tell();
    }
  }
}
