package holdfast.adapters.file;

import holdfast.adapters.file.journal.Journal;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The files that name history, and the journal itself, as the scrub goes through them. */
final class HistoryScrub {
  private final History history;

  HistoryScrub(History history) {
    this.history = history;
  }

  /** Manifests and INSTANCE, in one piece. */
  Piece names() throws IOException {
    var mended = new ArrayList<Mended>();
    Map<Path, Optional<Path>> places = history.mendNames();
    places.forEach(
        (place, kept) ->
            mended.add(
                new Mended(
                    place.toString(),
                    "was not as it was written",
                    "memory",
                    kept.map(Path::toString).orElse(null))));
    return new Piece("manifests and INSTANCE", 4_096, mended, true);
  }

  /** The next segment of the journal, in both copies. */
  Piece journal() throws IOException {
    Journal.Checked checked = history.scrub();
    List<Mended> mended = new ArrayList<>(checked.mended());
    String lost = checked.lost();
    if (lost != null) {
      mended.add(new Mended(checked.what(), lost, null, null));
    }
    return new Piece(checked.what(), checked.bytes(), mended, checked.last());
  }
}
