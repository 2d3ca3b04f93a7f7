package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigurationTest {
  private static final Map<String, String> NONE = Map.of();
  private static final String FILE = "/data/config.yaml";

  private static Configuration of(
      Map<String, String> options, Map<String, String> environment, Map<String, String> file) {
    return Configuration.of(options, environment, file, FILE);
  }

  private static String refusal(
      Map<String, String> options, Map<String, String> environment, Map<String, String> file) {
    var refused = assertThrows(ConfigurationException.class, () -> of(options, environment, file));
    String message = String.valueOf(refused.getMessage());
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  @Test
  void theDefaultsAreThoseOfTheContract() {
    Configuration configuration = of(NONE, NONE, NONE);
    Path home = Path.of(System.getProperty("user.home"));
    assertEquals(home.resolve(".claude-god-data"), configuration.get(Settings.DATA_DIR));
    assertEquals("127.0.0.1", configuration.get(Settings.HOST));
    assertEquals(3000, configuration.get(Settings.PORT));
    assertEquals(Settings.Authentication.TOKEN, configuration.get(Settings.AUTH));
    assertTrue(configuration.get(Settings.MAX_RUNNING) >= 4);
    assertEquals(Duration.ofSeconds(30), configuration.get(Settings.SHUTDOWN_TIMEOUT));
    assertEquals(256L << 20, configuration.get(Settings.DISK_RESERVE));
    assertEquals(10L << 30, configuration.get(Settings.OUTPUT_QUOTA));
    assertEquals(10_485_760L, configuration.get(Settings.MAX_LOG_SIZE));
    assertEquals(Duration.ofSeconds(1), configuration.get(Settings.LOG_FLUSH));
  }

  @Test
  void anOptionBeatsAVariableBeatsTheFileBeatsTheDefault() {
    Map<String, String> option = Map.of("port", "1");
    Map<String, String> variables = Map.of("HOLDFAST_PORT", "2", "PORT", "3");
    Map<String, String> file = Map.of("port", "4");
    assertEquals(1, of(option, variables, file).get(Settings.PORT));
    assertEquals(2, of(NONE, variables, file).get(Settings.PORT));
    assertEquals(3, of(NONE, Map.of("PORT", "3"), file).get(Settings.PORT));
    assertEquals(4, of(NONE, NONE, file).get(Settings.PORT));
  }

  @ParameterizedTest
  @CsvSource({"1,1", "64 KiB,65536", "64kib,65536", "2MiB,2097152", "1 GiB,1073741824"})
  void sizesMayHaveUnits(String text, long bytes) {
    assertEquals(bytes, of(Map.of("output-quota", text), NONE, NONE).get(Settings.OUTPUT_QUOTA));
  }

  @ParameterizedTest
  @CsvSource({
    "port,-1",
    "port,65536",
    "port,99999999999",
    "port,3000.5",
    "max-running,10001",
    "output-quota,0",
    "output-quota,10 GB",
    "output-quota,9999999999 TiB",
    "log-flush,1s",
    "log-flush,PT0S",
    "log-flush,-PT1S",
    "auth,basic",
    "token,short",
    "behind-proxy,perhaps",
    "host,''"
  })
  void aValueOutsideItsBoundsIsRefusedByNameAndSource(String key, String value) {
    String message = refusal(Map.of(key, value), NONE, NONE);
    assertTrue(message.contains(key), message);
    assertTrue(message.contains("option --" + key), message);
  }

  @Test
  void aTokenIsNeverShown() {
    String message = refusal(NONE, Map.of("HOLDFAST_TOKEN", "geheim\u00e9"), NONE);
    assertTrue(!message.contains("geheim"), message);
    var out = new ByteArrayOutputStream();
    Map<String, String> options =
        Map.of("data-dir", "/nonexistent-data", "token", "0123456789abcdef0123");
    ShowConfiguration.print(options, NONE, new PrintStream(out, true, StandardCharsets.UTF_8));
    String shown = out.toString(StandardCharsets.UTF_8);
    assertTrue(!shown.contains("0123456789abcdef"), shown);
    assertTrue(shown.contains("option --token"), shown);
  }

  @Test
  void whatIsNotASettingIsRefused() {
    assertTrue(refusal(NONE, NONE, Map.of("prot", "1")).contains("there is no setting \"prot\""));
    assertTrue(refusal(NONE, NONE, Map.of("data-dir", "/x")).contains("data-dir"));
    assertTrue(refusal(NONE, Map.of("HOLDFAST_RUN_AS", "nobody"), NONE).contains("RUN_AS"));
  }

  @Test
  void beyondLoopbackNeedsATokenAndTlsOrAProxy() {
    Map<String, String> open = Map.of("host", "203.0.113.7");
    assertTrue(refusal(open, NONE, NONE).contains("--behind-proxy"));
    assertTrue(
        refusal(Map.of("host", "203.0.113.7", "auth", "none", "behind-proxy", "true"), NONE, NONE)
            .contains("auth none"));
    Map<String, String> proxied = Map.of("host", "203.0.113.7", "behind-proxy", "true");
    assertEquals("203.0.113.7", of(proxied, NONE, NONE).get(Settings.HOST));
    assertTrue(refusal(Map.of("tls-key", "/k"), NONE, NONE).contains("together"));
  }

  @Test
  void listsAreSplitAtCommas() {
    Map<String, String> hosts = Map.of("allowed-hosts", "a.example:80, b.example:81,");
    assertEquals(
        List.of("a.example:80", "b.example:81"), of(hosts, NONE, NONE).get(Settings.ALLOWED_HOSTS));
  }

  @Test
  void theFileIsAFlatMapping() {
    assertEquals(
        Map.of("port", "3001", "behind-proxy", "true", "output-quota", "1 GiB"),
        ConfigurationFile.parse("port: 3001\nbehind-proxy: true\noutput-quota: 1 GiB\n", FILE));
    assertEquals(Map.of(), ConfigurationFile.parse("# nothing\n", FILE));
  }

  @ParameterizedTest
  @CsvSource({"'[1, 2]'", "'a: {b: c}'", "'a: b\na: c'", "'a: [', ", "'a: !!java.net.URL [x]'"})
  void aFileThatIsNoneIsRefused(String yaml) {
    var refused =
        assertThrows(ConfigurationException.class, () -> ConfigurationFile.parse(yaml, FILE));
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.startsWith(FILE), message);
    assertEquals(1, message.lines().count(), message);
  }
}
