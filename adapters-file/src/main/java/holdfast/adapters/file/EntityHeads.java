package holdfast.adapters.file;

import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.json.EncodedChange;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateImage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The newest change of every entity, pending ones included: what the next change must build on, and
 * where an entity's history begins. Not safe for use by several threads: its owner's lock guards
 * it.
 */
final class EntityHeads {
  private final Map<EntityKey, Head> heads = new HashMap<>();

  /** An entity's newest change, and its newest durable one. */
  static final class Head {
    private long revision;
    private long seq;
    private long durableRevision;
    private volatile long durableSeq;

    /** Records that a change is durable. The journal's thread. */
    private void durable(long revisionDurable, long seqDurable) {
      durableRevision = revisionDurable;
      durableSeq = seqDurable;
    }
  }

  /** A change with its seq, and the head to tell once it is durable. */
  record Pending(SequencedChange change, Head head) {

    /** The journal's thread. */
    void durable() {
      head.durable(change.change().revisionAfter(), change.seq());
    }
  }

  /** Those of a state that is durable. */
  static EntityHeads of(StateImage image) {
    var heads = new EntityHeads();
    image
        .tasks()
        .forEach(
            task ->
                heads.loaded(
                    EntityKey.of(task.entity().id()), task.entity().revision(), task.seq()));
    image
        .initiatives()
        .forEach(
            one ->
                heads.loaded(EntityKey.of(one.entity().id()), one.entity().revision(), one.seq()));
    image.tombstones().forEach(gone -> heads.loaded(gone.key(), 0, gone.seq()));
    return heads;
  }

  /** Takes an entity's newest change from a base, at start-up. */
  void loaded(EntityKey key, long revision, long seq) {
    var head = new Head();
    head.revision = revision;
    head.seq = seq;
    head.durable(revision, seq);
    heads.put(key, head);
  }

  void clear() {
    heads.clear();
  }

  /** Takes a change of the journal, at start-up. */
  void replayed(SequencedChange change) {
    Head head = heads.computeIfAbsent(change.change().key(), _ -> new Head());
    head.revision = change.change().revisionAfter();
    head.seq = change.seq();
    head.durable(head.revision, head.seq);
  }

  /** The first of {@code changes} that does not build on what is there, or null. */
  CommitResult.@Nullable Conflict conflict(List<EncodedChange> changes) {
    Map<EntityKey, Long> within = changes.size() > 1 ? new HashMap<>() : Map.of();
    for (EncodedChange change : changes) {
      Head head = heads.get(change.key());
      long present = head == null ? 0 : head.revision;
      if (change.revisionBefore() != within.getOrDefault(change.key(), present)) {
        return new CommitResult.Conflict(change.key(), present);
      }
      if (changes.size() > 1) {
        within.put(change.key(), change.revisionAfter());
      }
    }
    return null;
  }

  /** Numbers changes that do not conflict, from {@code firstSeq} on. */
  List<Pending> number(List<EncodedChange> changes, long firstSeq) {
    var numbered = new ArrayList<Pending>(changes.size());
    long seq = firstSeq;
    for (EncodedChange change : changes) {
      Head head = heads.computeIfAbsent(change.key(), _ -> new Head());
      numbered.add(new Pending(new SequencedChange(seq, head.seq, change), head));
      head.revision = change.revisionAfter();
      head.seq = seq;
      seq++;
    }
    return numbered;
  }

  /**
   * Takes back the numbers of changes that have not been written, all there are. The journal's
   * thread.
   */
  void forget(List<Pending> pending) {
    for (Pending one : pending) {
      Head head = one.head();
      head.revision = head.durableRevision;
      head.seq = head.durableSeq;
      if (head.seq == 0) {
        heads.remove(one.change().change().key());
      }
    }
  }

  /** The seq of the newest durable change of an entity; 0 if there is none. */
  long durableSeq(EntityKey key) {
    Head head = heads.get(key);
    return head == null ? 0 : head.durableSeq;
  }
}
