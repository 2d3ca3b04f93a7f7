package holdfast.bootstrap;

/** A configuration that cannot be used; the message is one line for the user. */
final class ConfigurationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ConfigurationException(String message) {
    super(message);
  }
}
