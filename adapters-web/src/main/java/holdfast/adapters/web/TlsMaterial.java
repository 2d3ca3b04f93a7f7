package holdfast.adapters.web;

import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.tls.Tls;
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
  private TlsMaterial() {}

  /**
   * @throws IllegalStateException if a file cannot be read or is not what it should be
   */
  static Tls read(WebSettings.TlsFiles files, Instant now) {
    List<X509Certificate> chain = certificates(files.certificates());
    PrivateKey key = privateKey(files.privateKey());
    X509Certificate own = chain.getFirst();
    if (!isPair(key, own.getPublicKey())) {
      throw unusable(
          "certificate",
          files.certificates(),
          "it is of another key than the one in " + files.privateKey());
    }
    if (own.getNotAfter().toInstant().isBefore(now)) {
      throw unusable(
          "certificate",
          files.certificates(),
          "it has expired, at " + own.getNotAfter().toInstant() + "; renew it");
    }
    if (own.getNotBefore().toInstant().isAfter(now)) {
      throw unusable(
          "certificate",
          files.certificates(),
          "it is not valid yet, before " + own.getNotBefore().toInstant());
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
      List<X509Certificate> chain =
          Keys.builder().pem(pem -> pem.certChain(Resource.create(file))).build().certChain();
      if (!chain.isEmpty()) {
        return chain;
      }
    } catch (RuntimeException e) {
      throw unusable("certificate", file, reason(e));
    }
    throw unusable("certificate", file, "there is none in it");
  }

  private static PrivateKey privateKey(Path file) {
    try {
      return Keys.builder()
          .pem(pem -> pem.key(Resource.create(file)))
          .build()
          .privateKey()
          .orElseThrow();
    } catch (RuntimeException e) {
      throw unusable(
          "private key",
          file,
          reason(e)
              + " (expected: an RSA or EC key, unencrypted, as openssl pkcs8 -topk8 -nodes"
              + " writes it)");
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
    return cause.getClass().getSimpleName()
        + ": "
        + Objects.toString(cause.getMessage(), "no reason given").replaceAll("\\s+", " ");
  }

  private static IllegalStateException unusable(String what, Path file, String why) {
    return new IllegalStateException("cannot use the " + what + " in " + file + ": " + why);
  }
}
