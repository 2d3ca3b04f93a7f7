package holdfast.adapters.web;

import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.WritableHeaders;
import io.helidon.webserver.http.ServerResponse;

/** What every answer tells browsers. */
final class SecurityHeaders {
  private static final Header[] ALL = {
    HeaderValues.createCached(HeaderNames.create("X-Content-Type-Options"), "nosniff"),
    HeaderValues.createCached(
        HeaderNames.create("Content-Security-Policy"),
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    HeaderValues.createCached(HeaderNames.create("Referrer-Policy"), "no-referrer"),
    HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "no-store"),
  };

  private SecurityHeaders() {}

  static void addTo(ServerResponse response) {
    for (Header header : ALL) {
      response.header(header);
    }
  }

  static void addTo(WritableHeaders<?> headers) {
    for (Header header : ALL) {
      headers.set(header);
    }
  }
}
