package holdfast.adapters.file;

import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.json.ChangeCodec;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.Committed;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Reads what the journal still has of the changes, in order. Any thread. */
record JournalChanges(History history) implements AuditTrail.Changes {
  @Override
  public List<Committed> after(long afterSeq, int limit) {
    long last = history.seq();
    long next = Math.max(afterSeq + 1, history.firstSeq());
    var changes = new ArrayList<Committed>();
    try {
      while (next > 0 && next <= last && changes.size() < limit) {
        List<SequencedChange> batch = history.from(next);
        for (SequencedChange change : batch) {
          if (changes.size() < limit && change.seq() <= last) {
            changes.add(new Committed(change.seq(), ChangeCodec.decode(change.change())));
          }
        }
        long first = history.firstSeq();
        if (batch.isEmpty() && first <= next) {
          return changes;
        }
        // What has been retired meanwhile is passed over with its segment.
        next = batch.isEmpty() ? first : batch.getLast().seq() + 1;
      }
      return changes;
    } catch (IOException e) {
      throw new StorageException("the journal cannot be read at seq " + next, e);
    }
  }
}
