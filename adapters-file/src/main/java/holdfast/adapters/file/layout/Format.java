package holdfast.adapters.file.layout;

import holdfast.domain.port.StorageException;
import jakarta.json.JsonNumber;
import jakarta.json.JsonObject;

/** Refuses what a newer version wrote. */
final class Format {
  private Format() {}

  static void check(JsonObject json, String place) {
    if (json.get("format") instanceof JsonNumber format && format.intValue() > Manifest.FORMAT) {
      throw new StorageException(
          place
              + " is of format "
              + format
              + "; this version reads up to "
              + Manifest.FORMAT
              + ". Use the version that wrote it; nothing was changed");
    }
  }
}
