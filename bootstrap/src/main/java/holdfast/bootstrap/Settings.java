package holdfast.bootstrap;

import holdfast.application.ShutdownTasks;
import holdfast.domain.port.SyncStrategy;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Everything that can be configured: names, defaults and what is allowed. */
final class Settings {
  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,19})\\s*(B|KiB|MiB|GiB|TiB)?", Pattern.CASE_INSENSITIVE);
  private static final String SIZES = "a number of bytes, or a number with KiB, MiB, GiB or TiB";
  private static final String DURATIONS = "an ISO-8601 duration such as PT30S";

  static final Setting<Path> DATA_DIR =
      path("HOLDFAST_DATA_DIR", "data-dir", "~/.claude-god-data", "where everything is kept");
  static final Setting<Path> STATE_DIR =
      path("PERSISTENT_STATE_DIR", "state-dir", null, "moves state/ out of the data directory");
  static final Setting<Path> MIRROR_DIR =
      path("HOLDFAST_MIRROR_DIR", "mirror-dir", null, "puts the second copy on another disk");
  static final Setting<String> HOST =
      setting(
          "HOLDFAST_HOST",
          "host",
          "127.0.0.1",
          "an address",
          "address to listen on",
          Settings::word);
  static final Setting<Integer> PORT =
      new Setting<>(
          List.of("HOLDFAST_PORT", "PORT"),
          "port",
          "3000",
          "a number from 0 to 65535; 0 takes any free port",
          "port to listen on",
          text -> (int) number(text, 0, 65_535));
  static final Setting<Authentication> AUTH =
      setting(
          "HOLDFAST_AUTH",
          "auth",
          "token",
          "token or none; none only on a loopback address",
          "who may come in",
          text -> oneOf(text, Authentication.values()));
  static final Setting<String> TOKEN =
      setting(
          "HOLDFAST_TOKEN",
          "token",
          null,
          "16 to 512 visible ASCII characters",
          "the admin token, instead of the one in <data>/token",
          Settings::token);
  static final Setting<String> READ_TOKEN =
      setting(
          "HOLDFAST_READ_TOKEN",
          "read-token",
          null,
          "16 to 512 visible ASCII characters",
          "the token that only reads, instead of the one in <data>/token.read",
          Settings::token);
  static final Setting<Integer> MAX_RUNNING =
      setting(
          "HOLDFAST_MAX_RUNNING",
          "max-running",
          String.valueOf(Math.max(4, Runtime.getRuntime().availableProcessors())),
          "a number from 1 to 10000",
          "tasks that run at once",
          text -> (int) number(text, 1, 10_000));
  static final Setting<Duration> SHUTDOWN_TIMEOUT =
      duration("HOLDFAST_SHUTDOWN_TIMEOUT", "shutdown-timeout", "PT30S", "limit of a shutdown");
  static final Setting<ShutdownTasks> SHUTDOWN_TASKS =
      setting(
          "HOLDFAST_SHUTDOWN_TASKS",
          "shutdown-tasks",
          "keep",
          "keep (they run on), drain (they are waited for) or stop (they are stopped)",
          "what a shutdown does to running tasks",
          text -> oneOf(text, ShutdownTasks.values()));
  static final Setting<Long> DISK_RESERVE =
      size(
          "HOLDFAST_DISK_RESERVE",
          "disk-reserve",
          "256 MiB",
          "free space below which new tasks are refused");
  static final Setting<Long> OUTPUT_QUOTA =
      size(
          "HOLDFAST_OUTPUT_QUOTA",
          "output-quota",
          "10 GiB",
          "output of one attempt before it is stopped");
  static final Setting<Duration> LOG_FLUSH =
      duration("HOLDFAST_LOG_FLUSH", "log-flush", "PT1S", "how long an event log line may wait");
  static final Setting<Long> MAX_LOG_SIZE =
      size("MAX_LOG_SIZE", "max-log-size", "10 MiB", "size at which an event log file is rotated");
  static final Setting<Integer> LOG_FILES =
      setting(
          "HOLDFAST_LOG_FILES",
          "log-files",
          "20",
          "a number from 1 to 10000",
          "event log files kept of each category",
          text -> (int) number(text, 1, 10_000));
  static final Setting<Duration> LOG_AGE =
      setting(
          "HOLDFAST_LOG_AGE",
          "log-age",
          "P30D",
          "an ISO-8601 duration from PT1M to P3650D, such as P30D",
          "how long an event log file is kept",
          text -> duration(text, Duration.ofMinutes(1), Duration.ofDays(3_650)));
  static final Setting<Long> LOG_BUDGET =
      setting(
          "HOLDFAST_LOG_BUDGET",
          "log-budget",
          "512 MiB",
          SIZES + ", at least 1 MiB",
          "room for all event logs together",
          text -> atLeast(bytes(text), 1L << 20));
  static final Setting<List<String>> ALLOWED_HOSTS =
      setting(
          "HOLDFAST_ALLOWED_HOSTS",
          "allowed-hosts",
          "",
          "host:port names, separated by commas",
          "further Host headers to accept",
          Settings::words);
  static final Setting<Path> TLS_CERT =
      path("HOLDFAST_TLS_CERT", "tls-cert", null, "PEM file with the certificate chain");
  static final Setting<Path> TLS_KEY =
      path("HOLDFAST_TLS_KEY", "tls-key", null, "PEM file with the private key");
  static final Setting<Boolean> BEHIND_PROXY =
      flag("behind-proxy", "a proxy in front of this server does TLS");
  static final Setting<Boolean> ALLOW_NETWORK_FS =
      flag("allow-network-fs", "accept a data directory on a network file system");

  static final Setting<Boolean> REBUILD_MIRROR =
      flag("rebuild-mirror", "rebuild a mirror that is missing or behind before serving");

  static final Setting<Boolean> ACCEPT_COPY =
      flag("accept-copy", "let a copied data directory go on by itself: running tasks become LOST");
  static final Setting<Boolean> ACCEPT_LOSS =
      flag("accept-loss", "go on without the part of history that cannot be read any more");
  static final Setting<Duration> SYNC_INTERVAL =
      millis(
          "SYNC_INTERVAL", "sync-interval", "30000", "how often changed state files are written");
  static final Setting<SyncStrategy> SYNC_STRATEGY =
      setting(
          "HOLDFAST_SYNC_STRATEGY",
          "sync-strategy",
          SyncStrategy.NEWEST_WINS.label(),
          "memory-wins, persistent-wins or newest-wins",
          "what becomes of edits of state files",
          Settings::strategy);
  static final Setting<Duration> SNAPSHOT_INTERVAL =
      millis("SNAPSHOT_INTERVAL", "snapshot-interval", "300000", "how often a snapshot is made");
  static final Setting<Duration> SCRUB_INTERVAL =
      millis(
          "HOLDFAST_SCRUB_INTERVAL",
          "scrub-interval",
          "600000",
          "pause before all that is kept twice is read again");

  /** In the order in which they are shown. */
  static final List<Setting<?>> ALL =
      List.of(
          DATA_DIR,
          STATE_DIR,
          MIRROR_DIR,
          HOST,
          PORT,
          AUTH,
          TOKEN,
          READ_TOKEN,
          ALLOWED_HOSTS,
          TLS_CERT,
          TLS_KEY,
          BEHIND_PROXY,
          MAX_RUNNING,
          OUTPUT_QUOTA,
          DISK_RESERVE,
          ALLOW_NETWORK_FS,
          REBUILD_MIRROR,
          ACCEPT_COPY,
          ACCEPT_LOSS,
          SYNC_INTERVAL,
          SYNC_STRATEGY,
          SNAPSHOT_INTERVAL,
          SCRUB_INTERVAL,
          MAX_LOG_SIZE,
          LOG_FLUSH,
          LOG_FILES,
          LOG_AGE,
          LOG_BUDGET,
          SHUTDOWN_TIMEOUT,
          SHUTDOWN_TASKS);

  /**
   * Variables of the contract whose work this version does not do; saying so beats accepting them
   * in silence.
   */
  static final List<String> WITHOUT_EFFECT = List.of();

  /** Variables that promise protection which this version cannot give. */
  static final List<String> REFUSED = List.of("HOLDFAST_RUN_AS");

  /** Who may come in. */
  enum Authentication {
    TOKEN,
    NONE
  }

  private Settings() {}

  private static <T> Setting<T> setting(
      String variable,
      String key,
      @Nullable String fallback,
      String allowed,
      String purpose,
      Function<String, T> parse) {
    return new Setting<>(List.of(variable), key, fallback, allowed, purpose, parse);
  }

  private static Setting<Path> path(
      String variable, String key, @Nullable String fallback, String purpose) {
    return setting(variable, key, fallback, "a path", purpose, Settings::path);
  }

  private static Setting<Duration> duration(
      String variable, String key, String fallback, String purpose) {
    return setting(variable, key, fallback, DURATIONS, purpose, Settings::positiveDuration);
  }

  private static Setting<Duration> millis(
      String variable, String key, String fallback, String purpose) {
    return setting(
        variable,
        key,
        fallback,
        "milliseconds, from 100 to 86400000",
        purpose,
        text -> Duration.ofMillis(number(text, 100, Duration.ofDays(1).toMillis())));
  }

  private static Setting<Long> size(String variable, String key, String fallback, String purpose) {
    return setting(variable, key, fallback, SIZES, purpose, Settings::bytes);
  }

  private static Setting<Boolean> flag(String key, String purpose) {
    return new Setting<>(List.of(), key, "false", "true or false", purpose, Settings::flag);
  }

  private static Path path(String text) {
    String home = System.getProperty("user.home");
    String expanded = text.equals("~") || text.startsWith("~/") ? home + text.substring(1) : text;
    return Path.of(word(expanded)).toAbsolutePath().normalize();
  }

  private static String word(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("is empty");
    }
    return text.strip();
  }

  private static List<String> words(String text) {
    return Arrays.stream(text.split(",", -1)).map(String::strip).filter(w -> !w.isEmpty()).toList();
  }

  private static String token(String text) {
    boolean visible = text.chars().allMatch(c -> c > ' ' && c < 0x7f);
    if (!visible || text.length() < 16 || text.length() > 512) {
      throw new IllegalArgumentException("has " + text.length() + " characters");
    }
    return text;
  }

  private static boolean flag(String text) {
    return switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "true", "" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("is neither");
    };
  }

  private static long number(String text, long min, long max) {
    long number = Long.parseLong(text.strip());
    if (number < min || number > max) {
      throw new IllegalArgumentException("is out of range");
    }
    return number;
  }

  private static Duration positiveDuration(String text) {
    return duration(text, Duration.ofNanos(1), Duration.ofDays(1));
  }

  private static Duration duration(String text, Duration min, Duration max) {
    try {
      Duration duration = Duration.parse(text.strip());
      if (duration.compareTo(min) < 0 || duration.compareTo(max) > 0) {
        throw new IllegalArgumentException("must be from " + min + " to " + max);
      }
      return duration;
    } catch (DateTimeParseException notOne) {
      throw new IllegalArgumentException("is no duration", notOne);
    }
  }

  private static long atLeast(long number, long min) {
    if (number < min) {
      throw new IllegalArgumentException("is too little");
    }
    return number;
  }

  private static long bytes(String text) {
    Matcher matcher = SIZE.matcher(text.strip());
    if (!matcher.matches()) {
      throw new IllegalArgumentException("is no size");
    }
    String unit = matcher.group(2) == null ? "B" : matcher.group(2).toUpperCase(Locale.ROOT);
    int shift = 10 * List.of("B", "KIB", "MIB", "GIB", "TIB").indexOf(unit);
    BigInteger bytes = new BigInteger(matcher.group(1)).shiftLeft(shift);
    if (bytes.signum() == 0 || bytes.bitLength() > 50) {
      throw new IllegalArgumentException("must be at least 1 byte and below 1024 TiB");
    }
    return bytes.longValueExact();
  }

  private static SyncStrategy strategy(String text) {
    for (SyncStrategy strategy : SyncStrategy.values()) {
      if (strategy.label().equalsIgnoreCase(text.strip())) {
        return strategy;
      }
    }
    throw new IllegalArgumentException("is not one of them");
  }

  private static <E extends Enum<E>> E oneOf(String text, E[] values) {
    for (E value : values) {
      if (value.name().equalsIgnoreCase(text.strip())) {
        return value;
      }
    }
    throw new IllegalArgumentException("is not one of them");
  }
}
