package holdfast.bootstrap.resilience;

/** What had to hold did not; the message says what was expected and what was found. */
final class BrokenPromiseException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  BrokenPromiseException(String message) {
    super(message);
  }
}
