package holdfast.adapters.web;

import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.tls.Tls;

/** Reads the server's certificate and key. */
final class TlsMaterial {
  private TlsMaterial() {}

  /**
   * @throws IllegalStateException if a file cannot be read or is not what it should be
   */
  static Tls read(WebSettings.TlsFiles files) {
    try {
      Keys keys =
          Keys.builder()
              .pem(
                  pem ->
                      pem.key(Resource.create(files.privateKey()))
                          .certChain(Resource.create(files.certificates())))
              .build();
      return Tls.builder()
          .privateKey(keys.privateKey().orElseThrow())
          .privateKeyCertChain(keys.certChain())
          .addEnabledProtocol("TLSv1.3")
          .addEnabledProtocol("TLSv1.2")
          .build();
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          "cannot use the certificate "
              + files.certificates()
              + " with the key "
              + files.privateKey()
              + ": "
              + e.getMessage(),
          e);
    }
  }
}
