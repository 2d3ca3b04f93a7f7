/**
 * The rules of Holdfast: what a task is, how it may change, what evidence proves about its process,
 * and the ports through which the rules reach the world. Needs only the JDK; reads no clock, does
 * no I/O and starts no thread.
 */
@org.jspecify.annotations.NullMarked
module holdfast.domain {
  requires static transitive org.jspecify;

  exports holdfast.domain.initiative;
  exports holdfast.domain.port;
  exports holdfast.domain.recovery;
  exports holdfast.domain.restoration;
  exports holdfast.domain.task;
}
