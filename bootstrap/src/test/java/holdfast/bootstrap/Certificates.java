package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Certificates for localhost and their keys in PEM files, as keytool(1) makes them. */
final class Certificates {
  private static final char[] PASSWORD = "password".toCharArray();
  private static final String CIPHER = "PBEWithSHA1AndDESede";

  private final Path directory;

  Certificates(Path directory) {
    this.directory = directory;
  }

  /** A certificate that signs itself, with its key. */
  record Pair(Path certificate, Path key, Path encryptedKey) {}

  /**
   * @param options more for keytool, such as from when on it is valid
   */
  Pair make(String name, String... options)
      throws IOException, GeneralSecurityException, InterruptedException {
    Path store = directory.resolve(name + ".p12");
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "web",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-storepass",
                new String(PASSWORD),
                "-keystore",
                store.toString()));
    command.addAll(List.of(options));
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, keytool.waitFor(), said);
    KeyStore made = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      made.load(in, PASSWORD);
    }
    byte[] key = made.getKey("web", PASSWORD).getEncoded();
    return new Pair(
        pem(name + "-cert", "CERTIFICATE", made.getCertificate("web").getEncoded()),
        pem(name + "-key", "PRIVATE KEY", key),
        pem(name + "-encrypted", "ENCRYPTED PRIVATE KEY", encrypted(key)));
  }

  private static byte[] encrypted(byte[] key) throws IOException, GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(CIPHER);
    cipher.init(
        Cipher.ENCRYPT_MODE,
        SecretKeyFactory.getInstance(CIPHER).generateSecret(new PBEKeySpec(PASSWORD)));
    byte[] text = cipher.doFinal(key);
    return new EncryptedPrivateKeyInfo(cipher.getParameters(), text).getEncoded();
  }

  private Path pem(String name, String kind, byte[] der) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return Files.writeString(
        directory.resolve(name + ".pem"),
        "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n");
  }
}
