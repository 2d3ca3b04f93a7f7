package holdfast.application;

/**
 * A client's name for one request, so that it can be sent again without being done again.
 *
 * @param bodySha256 of the request body, lower-case hex
 */
public record IdempotencyKey(String key, String bodySha256) {}
