package holdfast.bootstrap;

import holdfast.adapters.web.WebSettings;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the server's face is told of the configuration. */
final class Web {
  private Web() {}

  /**
   * @throws ConfigurationException if there is to be TLS, and no client would accept what it would
   *     be done with
   */
  static void requireUsableTls(Configuration configuration, Instant now) {
    WebSettings.TlsFiles tls = tls(configuration);
    if (tls == null) {
      return;
    }
    try {
      tls.requireUsable(now);
    } catch (IllegalStateException unusable) {
      throw new ConfigurationException(String.valueOf(unusable.getMessage()));
    }
  }

  /**
   * @param tokens null if nobody needs one
   */
  static WebSettings settings(Configuration configuration, @Nullable Tokens tokens) {
    return new WebSettings(
        configuration.get(Settings.HOST),
        configuration.get(Settings.PORT),
        tokens == null ? null : tokens.admin(),
        Set.copyOf(configuration.get(Settings.ALLOWED_HOSTS)),
        tls(configuration),
        configuration.get(Settings.BEHIND_PROXY),
        Path.of("").toAbsolutePath().toString(),
        WebSettings.Limits.USUAL,
        tokens == null
            ? WebSettings.Lesser.NONE
            : new WebSettings.Lesser(tokens.reading(), tokens.ofTasks()));
  }

  private static WebSettings.@Nullable TlsFiles tls(Configuration configuration) {
    return configuration.find(Settings.TLS_CERT).isEmpty()
        ? null
        : new WebSettings.TlsFiles(
            configuration.get(Settings.TLS_CERT), configuration.get(Settings.TLS_KEY));
  }
}
