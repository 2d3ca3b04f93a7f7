/**
 * The use cases: one writer that decides and commits, a state folded from what was committed, and
 * the services that start, follow, recover and stop. Concrete classes; they reach the world through
 * the domain's ports alone.
 */
@org.jspecify.annotations.NullMarked
module holdfast.application {
  requires transitive holdfast.domain;
  requires static transitive org.jspecify;

  exports holdfast.application;
}
