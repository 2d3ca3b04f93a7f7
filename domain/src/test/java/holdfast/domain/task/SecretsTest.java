package holdfast.domain.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "API_KEY",
        "token",
        "MyPassword",
        "DB_PASSWD",
        "AWS_SECRET_ACCESS",
        "db_pwd",
        "PGPASS",
        "smtpPass",
        "MYSQL_PWD",
        "npm_config__auth",
        "GITHUB_PAT",
        "SENTRY_DSN",
        "x-api-key",
        "sessionCookie",
        "GPG_PASSPHRASE_2"
      })
  void namesTell(String name) {
    assertTrue(Secrets.isSecret(name, "x"), name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"PATH", "PWD", "OLDPWD", "HOME", "GIT_AUTHOR_NAME", "PASSENGERS", "SPATIAL"})
  void othersDoNot(String name) {
    assertFalse(Secrets.isSecret(name, "/usr/bin:/bin"), name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "postgres://me:hunter2@db.example/x",
        "amqp://:hunter2@mq",
        "https://0123456789abcdef0123@host/1",
        "Server=db;Uid=me;Pwd=hunter2",
        "AccountName=a;AccountKey=aGVsbG8=",
        "Authorization: Bearer abcdef",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
        "ghp_0123456789abcdef0123",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"
      })
  void valuesTellWhateverTheirName(String value) {
    assertTrue(Secrets.isSecret("X", value), value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://127.0.0.1:3000/a",
        "ssh://git@host/x",
        "a=b",
        "12:30",
        "disk-0123456789abcdef",
        "en_US.UTF-8",
        "{\"level\":\"debug\"}"
      })
  void ordinaryValuesAreShown(String value) {
    assertFalse(Secrets.isSecret("X", value), value);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cannot reach postgres://me:hunter2@db/x|cannot reach postgres://me:[redacted]@db/x",
        "API_TOKEN=abc and more|API_TOKEN=[redacted] and more",
        "Authorization: Bearer abc|Authorization: Bearer [redacted]",
        "nothing at all|nothing at all"
      })
  void textsKeepWhatIsNoSecret(String text, String shown) {
    assertEquals(shown, Secrets.redacted(text));
  }

  @Test
  void longValuesTakeNoTime() {
    for (String piece : new String[] {"a", "token", "://", "eyJ", "a:", "=", "pass ", "://:a"}) {
      String value = piece.repeat(262_144 / piece.length()) + " @";
      assertTimeoutPreemptively(
          Duration.ofSeconds(20), () -> Secrets.isSecret("X", value), "of " + piece);
    }
  }
}
