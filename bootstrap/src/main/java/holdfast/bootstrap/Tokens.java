package holdfast.bootstrap;

import holdfast.adapters.file.PrivateFile;
import holdfast.adapters.web.TaskTokens;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;

/**
 * The tokens of a server. Each is configured, or else in a file of the data directory, which is
 * made at the first start.
 *
 * <pre>
 *  token        lets its bearer do everything
 *  token.read   lets its bearer look at everything and change nothing
 *  token.key    never sent: what the tokens of tasks are derived from
 * </pre>
 */
record Tokens(String admin, String reading, TaskTokens ofTasks) {
  private static final int RANDOM_BYTES = 32;

  /**
   * Empty if nobody needs one.
   *
   * @throws ConfigurationException if one of them cannot be used
   * @throws holdfast.adapters.file.FileStorageException if a file is open to others, or none
   */
  static Optional<Tokens> of(Configuration configuration) {
    if (configuration.get(Settings.AUTH) == Settings.Authentication.NONE) {
      return Optional.empty();
    }
    Path data = configuration.get(Settings.DATA_DIR);
    String admin = token(configuration, Settings.TOKEN, data.resolve("token"));
    String reading = token(configuration, Settings.READ_TOKEN, data.resolve("token.read"));
    if (admin.equals(reading)) {
      throw new ConfigurationException(
          "the token for reading is the admin token: set another read-token, or remove "
              + data.resolve("token.read"));
    }
    return Optional.of(new Tokens(admin, reading, new TaskTokens(key(data.resolve("token.key")))));
  }

  private static String token(Configuration configuration, Setting<String> setting, Path file) {
    return configuration.find(setting).orElseGet(() -> fromFile(file));
  }

  private static String fromFile(Path file) {
    String token = PrivateFile.readOrCreate(file, () -> random() + "\n").strip();
    try {
      return Settings.TOKEN.parse().apply(token);
    } catch (IllegalArgumentException unusable) {
      throw unusable(file);
    }
  }

  private static byte[] key(Path file) {
    String text = PrivateFile.readOrCreate(file, () -> random() + "\n").strip();
    try {
      byte[] key = Base64.getUrlDecoder().decode(text);
      if (key.length == RANDOM_BYTES) {
        return key;
      }
    } catch (IllegalArgumentException notBase64) {
      throw unusable(file);
    }
    throw unusable(file);
  }

  private static ConfigurationException unusable(Path file) {
    return new ConfigurationException(
        file + " holds no usable token; remove it, and the next start makes a new one");
  }

  private static String random() {
    var bytes = new byte[RANDOM_BYTES];
    new SecureRandom().nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
