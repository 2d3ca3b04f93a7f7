package holdfast.adapters.file.layout;

import org.jspecify.annotations.Nullable;

/**
 * Hands what is durable of the audit trail to those who vouch for it: every manifest and every
 * snapshot that is written carries it. Any thread.
 */
public final class AuditAnchors {
  private volatile @Nullable AuditAnchor durable;
  private volatile Runnable force = () -> {};

  /** What is durable, as far as is known; null if nothing is known. Never waits. */
  public @Nullable AuditAnchor known() {
    return durable;
  }

  /** The same, once everything appended before is durable, or cannot be made so. */
  public @Nullable AuditAnchor forced() {
    force.run();
    return durable;
  }

  /** Sets what is durable. */
  public void durable(@Nullable AuditAnchor anchor) {
    durable = anchor;
  }

  /** Sets what makes the trail durable. It must not throw. */
  public void forcedBy(Runnable forcing) {
    force = forcing;
  }
}
