package holdfast.application;

import holdfast.domain.port.EntityKey;
import org.jspecify.annotations.Nullable;

/**
 * A committed change as subscribers see it.
 *
 * @param value the entity afterwards, or null if it is gone
 */
public record FeedEvent(long seq, EntityKey key, @Nullable FeedItem value, String cause) {}
