package holdfast.adapters.file.json;

/**
 * Bytes are not the JSON that was expected. Where a checksum vouches for them, another version
 * wrote them.
 */
public final class MalformedJsonException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MalformedJsonException(String message) {
    super(message);
  }

  MalformedJsonException(String message, Throwable cause) {
    super(message, cause);
  }
}
