package holdfast.adapters.web;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Lets browsers in: a code that works once is exchanged for a cookie. Any thread.
 *
 * <p>A cookie is its expiry and a MAC under a key derived from the token. It needs no memory, holds
 * across restarts, and dies when the token is changed.
 */
final class Sessions {
  static final String COOKIE = "holdfast_session";
  static final Duration CODE_LIFE = Duration.ofMinutes(10);
  static final Duration COOKIE_LIFE = Duration.ofDays(30);

  private static final int CODES_MAX = 64;
  private static final int CODE_BYTES = 32;
  private static final String MAC = "HmacSHA256";

  private final SecretKeySpec key;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final Map<String, Instant> codes = new LinkedHashMap<>();

  Sessions(String token, InstantSource clock) {
    this.clock = clock;
    this.key =
        new SecretKeySpec(
            mac(
                new SecretKeySpec(token.getBytes(StandardCharsets.UTF_8), MAC),
                "holdfast browser session v1"),
            MAC);
  }

  /** A fresh code; the oldest is forgotten when there are too many. */
  synchronized String newCode() {
    byte[] bytes = new byte[CODE_BYTES];
    random.nextBytes(bytes);
    String code = encode(bytes);
    if (codes.size() >= CODES_MAX) {
      codes.remove(codes.keySet().iterator().next());
    }
    codes.put(code, clock.instant().plus(CODE_LIFE));
    return code;
  }

  /**
   * Exchanges a code.
   *
   * @return the cookie's value, or null if the code is not, or no longer, good
   */
  synchronized @Nullable String redeem(String code) {
    Instant expiry = codes.remove(code);
    if (expiry == null || expiry.isBefore(clock.instant())) {
      return null;
    }
    long until = clock.instant().plus(COOKIE_LIFE).getEpochSecond();
    return until + "." + encode(mac(key, Long.toString(until)));
  }

  /** Whether a cookie was given out here and has not expired. */
  boolean isValid(String cookie) {
    int dot = cookie.indexOf('.');
    if (dot < 1 || dot > 12) {
      return false;
    }
    String until = cookie.substring(0, dot);
    byte[] expected = encode(mac(key, until)).getBytes(StandardCharsets.US_ASCII);
    byte[] found = cookie.substring(dot + 1).getBytes(StandardCharsets.UTF_8);
    // The MAC comes first: only what we wrote ourselves is parsed.
    return MessageDigest.isEqual(expected, found)
        && Long.parseLong(until) > clock.instant().getEpochSecond();
  }

  private static String encode(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static byte[] mac(SecretKeySpec key, String text) {
    try {
      Mac mac = Mac.getInstance(MAC);
      mac.init(key);
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(MAC + " is missing, which every Java platform must have", e);
    }
  }
}
