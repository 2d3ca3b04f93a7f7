package holdfast.adapters.web;

import holdfast.application.Page;
import holdfast.application.Position;
import io.helidon.http.Status;
import java.util.function.Function;

/** Renders parts of lists. */
final class Pages {
  /** A page ends early rather than outgrow this; a single task may have half a megabyte. */
  private static final int PAGE_BYTES_MAX = 8 * 1024 * 1024;

  private Pages() {}

  /** {@code {items, nextCursor, epoch, seq}}. */
  static <T> Response.Whole json(
      Page<T> page, Function<T, byte[]> render, Function<T, Position> place) {
    var body = new JsonBytes(512 + page.items().size() * 512);
    body.ascii("{\"items\":[");
    Position next = page.next();
    for (int i = 0; i < page.items().size(); i++) {
      T item = page.items().get(i);
      body.ascii(i == 0 ? "" : ",").raw(render.apply(item));
      if (body.length() > PAGE_BYTES_MAX && i + 1 < page.items().size()) {
        next = place.apply(item);
        break;
      }
    }
    body.ascii("],\"nextCursor\":")
        .text(next == null ? null : Cursor.of(next))
        .ascii(",\"epoch\":")
        .text(page.epoch())
        .ascii(",\"seq\":")
        .number(page.seq())
        .ascii("}");
    return Answers.json(Status.OK_200, body.toBytes());
  }
}
