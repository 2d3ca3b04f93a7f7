package holdfast.adapters.file.journal;

/**
 * The state that an epoch begins with: a snapshot, vouched for by the batch that begins the epoch.
 *
 * @param snapshot its id, at most 100 ASCII characters
 * @param sha256 of its content, in hexadecimal
 * @param seq that it stands at; the epoch's first change is the next one
 */
public record EpochBase(String snapshot, String sha256, long seq) {}
