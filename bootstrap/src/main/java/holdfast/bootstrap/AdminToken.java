package holdfast.bootstrap;

import holdfast.adapters.file.PrivateFile;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;

/** The token that lets its bearer do everything. */
final class AdminToken {
  private static final int RANDOM_BYTES = 32;

  private AdminToken() {}

  /**
   * The configured token, else the one in {@code <data>/token}, which is made at the first start.
   */
  static Optional<String> of(Configuration configuration) {
    if (configuration.get(Settings.AUTH) == Settings.Authentication.NONE) {
      return Optional.empty();
    }
    return configuration
        .find(Settings.TOKEN)
        .or(() -> Optional.of(fromFile(configuration.get(Settings.DATA_DIR).resolve("token"))));
  }

  private static String fromFile(Path file) {
    String token = PrivateFile.readOrCreate(file, () -> random() + "\n").strip();
    try {
      return Settings.TOKEN.parse().apply(token);
    } catch (IllegalArgumentException unusable) {
      throw new ConfigurationException(
          file + " holds no usable token; remove it, and the next start makes a new one");
    }
  }

  private static String random() {
    var bytes = new byte[RANDOM_BYTES];
    new SecureRandom().nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
