package holdfast.domain.port;

import java.time.Instant;

/**
 * Binds a client's idempotency key to what its first use created. Durable with that creation, in
 * the same commit.
 *
 * @param key as the client sent it, prefixed with the kind of entity by the caller
 * @param bodySha256 of the request body, lower-case hex: another body under the same key is refused
 * @param created what the first use created
 * @param expiresAt from when on the key may be used anew
 */
public record IdempotencyRecord(
    String key, String bodySha256, EntityKey created, Instant expiresAt) {}
