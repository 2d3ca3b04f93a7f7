package holdfast.adapters.web;

import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Tokens by which a run's processes may ask the server about their own task. Nothing is kept of
 * them: a token names its run and bears a MAC under a key of the server's, so it holds across
 * restarts and dies with the key. Whether the run goes on is for others to ask. Any thread.
 */
public final class TaskTokens {
  private static final String MAC = "HmacSHA256";
  private static final int KEY_BYTES_MIN = 32;
  private static final Pattern TOKEN =
      Pattern.compile(
          "hft\\.([0-9a-z]{20})\\.([1-9][0-9]{0,8})\\.([1-9][0-9]{0,8})\\.([\\w-]{43})");

  private final SecretKeySpec key;

  /**
   * @param secret random, at least 32 bytes, and used for nothing else: a task that knew what else
   *     it opens could try guesses of it in peace
   */
  public TaskTokens(byte[] secret) {
    if (secret.length < KEY_BYTES_MIN) {
      throw new IllegalArgumentException("a key of " + secret.length + " bytes is too short");
    }
    key = new SecretKeySpec(secret, MAC);
  }

  /** The token of a run. */
  public String of(RunRef run) {
    String name = run.task().value() + "." + run.attempt() + "." + run.run();
    return "hft." + name + "." + mac(name);
  }

  /** The run whose token this is, or null if it is nobody's. */
  public @Nullable RunRef read(String token) {
    Matcher parts = TOKEN.matcher(token);
    if (!parts.matches() || !TaskId.isValid(parts.group(1))) {
      return null;
    }
    var run =
        new RunRef(
            new TaskId(parts.group(1)),
            Integer.parseInt(parts.group(2)),
            Integer.parseInt(parts.group(3)));
    return MessageDigest.isEqual(bytes(of(run)), bytes(token)) ? run : null;
  }

  private String mac(String text) {
    try {
      Mac mac = Mac.getInstance(MAC);
      mac.init(key);
      return Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(bytes(text)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(MAC + " is missing, which every Java platform must have", e);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
