/**
 * Starts commands on Linux so that they outlive the server, finds them again, and signals them.
 * Everything it asks of the kernel goes through one door, {@code Kernel}.
 */
@org.jspecify.annotations.NullMarked
module holdfast.adapters.process {
  requires static org.jspecify;
  requires transitive holdfast.domain;
  requires jakarta.json;

  exports holdfast.adapters.process;
}
