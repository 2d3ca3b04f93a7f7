package holdfast.adapters.web;

import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;

/**
 * {@code /openapi.json} and {@code /asyncapi.json}: the contract in a form that machines read. They
 * are written by hand and kept in this package; tests hold the server to them.
 */
final class DocumentRoutes {
  private static final int TAG_CHARS = 32;

  private DocumentRoutes() {}

  static List<Route> routes() {
    return List.of(route("openapi.json"), route("asyncapi.json"));
  }

  private static Route route(String name) {
    byte[] document = read(name);
    String tag = '"' + Sha256.hex(document).substring(0, TAG_CHARS) + '"';
    Header etag = HeaderValues.createCached(HeaderNames.ETAG, tag);
    var whole = new Response.Whole(Status.OK_200, document, List.of(Answers.JSON, etag));
    var unchanged = new Response.Whole(Status.NOT_MODIFIED_304, new byte[0], List.of(etag));
    return new Route(
        "GET",
        "/" + name,
        Access.TOKEN,
        Set.of(),
        call -> {
          String known = call.header(HeaderNames.IF_NONE_MATCH);
          return known != null && Precondition.noneMatchNames(known, tag) ? unchanged : whole;
        });
  }

  /** A file of this package. */
  static byte[] read(String name) {
    try (InputStream in = DocumentRoutes.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("this build lacks " + name);
      }
      return in.readAllBytes();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
