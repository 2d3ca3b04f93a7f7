package holdfast.adapters.file.layout;

import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.json.MalformedJsonException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the state besides the state: a hint that can prove that something is missing,
 * never the only holder of a fact.
 *
 * @param format that it was read from; {@link #FORMAT} in one that is written
 * @param term the highest that was given out
 * @param servedTerm the highest whose takeover was durable: a segment of it must exist
 * @param seq proven durable: the journal must reach it
 * @param clean whether the server ended in order at just this seq
 * @param checkpoint every change up to this seq is in the state files
 * @param census of the state at the checkpoint, or null if that is not known
 * @param floor segments wholly up to this seq may have been retired
 * @param snapshots ids of those that recovery relies on, newest first
 * @param generation counts the manifest's versions
 * @param audit what is known of the audit trail, or null
 */
public record Manifest(
    int format,
    UUID lineage,
    long epoch,
    long term,
    long servedTerm,
    long seq,
    boolean clean,
    long checkpoint,
    @Nullable Census census,
    long floor,
    List<String> snapshots,
    long generation,
    @Nullable AuditAnchor audit) {

  /** The format of everything below the data directory. */
  public static final int FORMAT = 4;

  public Manifest {
    snapshots = List.copyOf(snapshots);
  }

  /** The manifest of a history that has none yet. */
  public static Manifest first(UUID lineage) {
    return new Manifest(FORMAT, lineage, 1, 0, 0, 0, false, 0, Census.EMPTY, 0, List.of(), 0, null);
  }

  /** What becomes of a manifest: all of it, to be changed in part. */
  private static final class Draft {
    private final UUID lineage;
    private long epoch;
    private long term;
    private long servedTerm;
    private long seq;
    private boolean clean;
    private long checkpoint;
    private @Nullable Census census;
    private long floor;
    private List<String> snapshots;
    private long generation;
    private @Nullable AuditAnchor audit;

    Draft(Manifest from) {
      lineage = from.lineage;
      epoch = from.epoch;
      term = from.term;
      servedTerm = from.servedTerm;
      seq = from.seq;
      clean = from.clean;
      checkpoint = from.checkpoint;
      census = from.census;
      floor = from.floor;
      snapshots = from.snapshots;
      generation = from.generation;
      audit = from.audit;
    }

    Manifest finished() {
      return new Manifest(
          FORMAT,
          lineage,
          epoch,
          term,
          servedTerm,
          seq,
          clean,
          checkpoint,
          census,
          floor,
          snapshots,
          generation,
          audit);
    }
  }

  private Manifest with(Consumer<Draft> change) {
    var draft = new Draft(this);
    change.accept(draft);
    return draft.finished();
  }

  public Manifest withTerm(long next) {
    return with(
        draft -> {
          draft.term = next;
          draft.clean = false;
        });
  }

  /** Of an epoch; what was true of the state files and snapshots of another one is not of it. */
  public Manifest inEpoch(long current) {
    return with(
        draft -> {
          draft.clean = false;
          if (current != epoch) {
            draft.epoch = current;
            draft.checkpoint = 0;
            draft.census = Census.EMPTY;
            draft.floor = 0;
            draft.snapshots = List.of();
          }
        });
  }

  /** Says that the term serves, from {@code durable} on. */
  public Manifest serving(long durable) {
    return reaching(durable).with(draft -> draft.servedTerm = term);
  }

  public Manifest reaching(long durable) {
    return with(
        draft -> {
          draft.seq = durable;
          draft.clean = false;
        });
  }

  public Manifest endedClean(long durable) {
    return reaching(durable).with(draft -> draft.clean = true);
  }

  public Manifest withCheckpoint(long next, @Nullable Census then) {
    return with(
        draft -> {
          draft.checkpoint = next;
          draft.census = then;
        });
  }

  public Manifest withFloor(long next, List<String> ids) {
    return with(
        draft -> {
          draft.floor = next;
          draft.snapshots = ids;
        });
  }

  /** Vouching for this of the audit trail; null leaves what it vouches for. */
  Manifest withAudit(@Nullable AuditAnchor anchor) {
    return anchor == null ? this : with(draft -> draft.audit = anchor);
  }

  Manifest nextGeneration() {
    return with(draft -> draft.generation = generation + 1);
  }

  byte[] bytes() {
    var json =
        new JsonWriter(512)
            .beginObject()
            .field("format", FORMAT)
            .field("lineage", lineage.toString())
            .field("epoch", epoch)
            .field("term", term)
            .field("servedTerm", servedTerm)
            .field("seq", seq)
            .field("clean", clean)
            .field("generation", generation)
            .field("checkpoint", checkpoint)
            .field("floor", floor)
            .name("snapshots")
            .beginArray();
    snapshots.forEach(json::value);
    json.endArray();
    if (census != null) {
      json.field("entities", census.entities()).field("sum", Long.toHexString(census.sum()));
    }
    AuditAnchor.write(json, audit);
    return CheckedJson.bytes(json.endObject());
  }

  /** The manifest that {@code bytes} spell, or null if they are damaged. */
  static @Nullable Manifest read(byte[] bytes, String place) {
    JsonReader json = CheckedDocument.object(bytes);
    if (json == null) {
      return null;
    }
    try {
      int format = Format.check(json, place);
      UUID lineage = UUID.fromString(json.member("lineage").text());
      long epoch = json.member("epoch").number();
      long term = json.member("term").number();
      long servedTerm = json.member("servedTerm").number();
      long seq = json.member("seq").number();
      boolean clean = json.member("clean").flag();
      long generation = json.member("generation").number();
      if (format == 1) {
        return new Manifest(
            1,
            lineage,
            epoch,
            term,
            servedTerm,
            seq,
            clean,
            0,
            null,
            0,
            List.of(),
            generation,
            null);
      }
      long checkpoint = json.member("checkpoint").number();
      long floor = json.member("floor").number();
      var snapshots = new ArrayList<String>();
      json.member("snapshots").beginArray();
      while (json.more()) {
        snapshots.add(json.text());
      }
      json.endArray();
      return new Manifest(
          format,
          lineage,
          epoch,
          term,
          servedTerm,
          seq,
          clean,
          checkpoint,
          census(json),
          floor,
          snapshots,
          generation,
          AuditAnchor.read(json));
    } catch (MalformedJsonException | IllegalArgumentException _) {
      // Its checksum is right, so it was written like this: by no version that we know.
      return null;
    }
  }

  private static @Nullable Census census(JsonReader json) {
    return json.has("entities")
        ? new Census(json.number(), Long.parseUnsignedLong(json.member("sum").text(), 16))
        : null;
  }
}
