package holdfast.adapters.file.journal;

import holdfast.adapters.file.json.EncodedChange;

/**
 * A change with its place in the global order.
 *
 * @param previousSeq of the change before it of the same entity; 0 if there is none
 */
public record SequencedChange(long seq, long previousSeq, EncodedChange change) {}
