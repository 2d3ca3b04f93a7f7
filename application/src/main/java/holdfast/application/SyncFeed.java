package holdfast.application;

import holdfast.domain.port.Conflict;
import holdfast.domain.port.ConflictStorage;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Posts what happens to state files: rounds of sync, and edits that are found and settled. */
final class SyncFeed {
  private static final String FOUND = "sync-conflict";
  private static final String SETTLED = "conflict-settled";
  private static final String PROGRESS = "sync";

  private final CompactedFeed<SyncNote> feed;
  private final Set<String> posted = new HashSet<>();

  SyncFeed(CompactedFeed<SyncNote> feed) {
    this.feed = feed;
  }

  CompactedFeed<SyncNote> feed() {
    return feed;
  }

  /**
   * Begins with what is kept of earlier starts.
   *
   * @param kept newest first
   */
  synchronized void begin(List<Conflict> kept) {
    if (kept.size() >= ConflictStorage.KEPT_MAX) {
      // Some may have been dropped that a client of an earlier start still knows.
      feed.forgetRemovals();
    }
    kept.reversed().forEach(this::post);
    progressed("started");
  }

  /**
   * An edit was found or settled, and is kept.
   *
   * @param kept all that are kept now
   */
  synchronized void conflict(Conflict conflict, List<Conflict> kept) {
    post(conflict);
    if (posted.size() > kept.size()) {
      Set<String> present = kept.stream().map(Conflict::id).collect(Collectors.toSet());
      List<String> dropped = posted.stream().filter(id -> !present.contains(id)).sorted().toList();
      dropped.forEach(id -> feed.remove(id, "conflict-dropped"));
      dropped.forEach(posted::remove);
    }
  }

  private void post(Conflict conflict) {
    posted.add(conflict.id());
    feed.put(conflict.id(), new SyncNote.Edit(conflict), conflict.resolved() ? SETTLED : FOUND);
  }

  /** Tells that the state files are further, or could not be brought further. */
  void progressed(String cause) {
    feed.put(PROGRESS, new SyncNote.Progress(), cause);
  }
}
