package holdfast.adapters.file.layout;

import holdfast.adapters.file.json.JsonReader;
import holdfast.domain.port.StorageException;

/** Refuses what a newer version wrote. */
final class Format {
  private Format() {}

  /**
   * Reads the beginning of a document: {@code format} is its first member in every version.
   *
   * @return the format
   */
  static int check(JsonReader json, String place) {
    long format = json.beginObject().member("format").number();
    if (format > Manifest.FORMAT) {
      throw new StorageException(
          place
              + " is of format "
              + format
              + "; this version reads up to "
              + Manifest.FORMAT
              + ". Use the version that wrote it; nothing was changed");
    }
    return (int) format;
  }
}
