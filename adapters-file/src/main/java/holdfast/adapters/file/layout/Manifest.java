package holdfast.adapters.file.layout;

import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.json.MalformedJsonException;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the journal besides the journal: a hint that can prove that something is
 * missing, never the only holder of a fact.
 *
 * @param term the highest that was given out
 * @param servedTerm the highest whose takeover was durable: a segment of it must exist
 * @param seq proven durable: the journal must reach it
 * @param clean whether the server ended in order at just this seq
 * @param generation counts the manifest's versions
 */
public record Manifest(
    UUID lineage,
    long epoch,
    long term,
    long servedTerm,
    long seq,
    boolean clean,
    long generation) {

  /** The format of everything below the data directory. */
  public static final int FORMAT = 1;

  byte[] bytes() {
    return CheckedDocument.bytes(
        new JsonWriter(256)
            .beginObject()
            .field("format", FORMAT)
            .field("lineage", lineage.toString())
            .field("epoch", epoch)
            .field("term", term)
            .field("servedTerm", servedTerm)
            .field("seq", seq)
            .field("clean", clean)
            .field("generation", generation)
            .endObject());
  }

  /** The manifest that {@code bytes} spell, or null if they are damaged. */
  static @Nullable Manifest read(byte[] bytes, String place) {
    JsonReader json = CheckedDocument.object(bytes);
    if (json == null) {
      return null;
    }
    try {
      Format.check(json, place);
      return new Manifest(
          UUID.fromString(json.member("lineage").text()),
          json.member("epoch").number(),
          json.member("term").number(),
          json.member("servedTerm").number(),
          json.member("seq").number(),
          json.member("clean").flag(),
          json.member("generation").number());
    } catch (MalformedJsonException | IllegalArgumentException _) {
      // Its checksum is right, so it was written like this: by no version that we know.
      return null;
    }
  }
}
