package holdfast.adapters.web;

import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.tls.Tls;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/** Reads the server's certificate and key, and refuses what no client would accept. */
final class TlsMaterial {
  /** What is in a key that a password protects, in PKCS#8 and in the form before it. */
  private static final List<String> ENCRYPTED =
      List.of("BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED");

  private TlsMaterial() {}

  /** The settings that name the files, with what each is to be. */
  private enum Part {
    CERTIFICATE(
        "tls-cert",
        "certificate",
        "expected: a PEM file with the server's own certificate, then its chain"),
    KEY(
        "tls-key",
        "private key",
        "expected: a PEM file with an RSA or EC key, unencrypted, as openssl pkcs8 -topk8 -nodes"
            + " writes it");

    private final String setting;
    private final String what;
    private final String expected;

    Part(String setting, String what, String expected) {
      this.setting = setting;
      this.what = what;
      this.expected = expected;
    }

    IllegalStateException unusable(Path file, String why) {
      return new IllegalStateException(
          setting + ": cannot use the " + what + " in " + file + ": " + why);
    }

    IllegalStateException unusable(Path file, RuntimeException failure) {
      return unusable(file, reason(failure) + "; " + expected);
    }
  }

  /**
   * @throws IllegalStateException if a file cannot be read or is not what it should be
   */
  static Tls read(WebSettings.TlsFiles files, Instant now) {
    List<X509Certificate> chain = certificates(files.certificates());
    PrivateKey key = privateKey(files.privateKey());
    X509Certificate own = chain.getFirst();
    if (!isPair(key, own.getPublicKey())) {
      throw Part.CERTIFICATE.unusable(
          files.certificates(),
          "it is of another key than the one in "
              + files.privateKey()
              + "; set tls-cert and tls-key to files that belong together, the server's own"
              + " certificate first");
    }
    if (own.getNotAfter().toInstant().isBefore(now)) {
      throw Part.CERTIFICATE.unusable(
          files.certificates(),
          "it has expired, at " + own.getNotAfter().toInstant() + "; renew it");
    }
    if (own.getNotBefore().toInstant().isAfter(now)) {
      throw Part.CERTIFICATE.unusable(
          files.certificates(),
          "it is not valid yet, before "
              + own.getNotBefore().toInstant()
              + "; use one that is, or set the clock right");
    }
    return Tls.builder()
        .privateKey(key)
        .privateKeyCertChain(chain)
        .addEnabledProtocol("TLSv1.3")
        .addEnabledProtocol("TLSv1.2")
        .build();
  }

  private static List<X509Certificate> certificates(Path file) {
    try {
      return Keys.builder().pem(pem -> pem.certChain(Resource.create(file))).build().certChain();
    } catch (RuntimeException e) {
      throw Part.CERTIFICATE.unusable(file, e);
    }
  }

  private static PrivateKey privateKey(Path file) {
    try {
      String text = Resource.create(file).string(StandardCharsets.ISO_8859_1);
      if (ENCRYPTED.stream().anyMatch(text::contains)) {
        throw new IllegalArgumentException("it is encrypted");
      }
      return Keys.builder()
          .pem(pem -> pem.key(Resource.create(file)))
          .build()
          .privateKey()
          .orElseThrow();
    } catch (RuntimeException e) {
      throw Part.KEY.unusable(file, e);
    }
  }

  /** Whether what one has signed is signed for the other. */
  private static boolean isPair(PrivateKey key, PublicKey certified) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          case "DSA" -> "SHA256withDSA";
          case String itself -> itself;
        };
    byte[] text = {1, 2, 3};
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(certified);
      signature.update(text);
      return signature.verify(signed);
    } catch (GeneralSecurityException differentKinds) {
      return false;
    }
  }

  private static String reason(RuntimeException failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String said = Objects.toString(cause.getMessage(), "no reason given").replaceAll("\\s+", " ");
    return switch (cause) {
      case NoSuchFileException _ -> "there is no such file";
      case AccessDeniedException _ -> "this user may not read it";
      case IllegalArgumentException _ -> said;
      default -> cause.getClass().getSimpleName() + ": " + said;
    };
  }
}
