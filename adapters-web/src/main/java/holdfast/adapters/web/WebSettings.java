package holdfast.adapters.web;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How the server is reached.
 *
 * @param host the address to bind
 * @param port 0 for any that is free
 * @param token what clients must present, or null to let everybody in, which is possible on
 *     loopback only
 * @param allowedHosts further names under which clients may address the server, each with or
 *     without a port; without one, the bound port and the scheme's own are meant
 * @param tls null for plain HTTP
 * @param behindProxy whether a proxy in front of this server ends TLS
 * @param workingDirectory absolute path where commands run that name no directory
 * @param lesser further tokens
 */
public record WebSettings(
    String host,
    int port,
    @Nullable String token,
    Set<String> allowedHosts,
    @Nullable TlsFiles tls,
    boolean behindProxy,
    String workingDirectory,
    Limits limits,
    Lesser lesser) {

  /**
   * Tokens that reach less than the token. Of no use without one.
   *
   * @param reading lets its bearer look at everything and change nothing, or null
   * @param ofTasks let a task look at itself, or null
   */
  public record Lesser(@Nullable String reading, @Nullable TaskTokens ofTasks) {
    public static final Lesser NONE = new Lesser(null, null);

    public Lesser {
      requireLong(reading);
    }
  }

  /** Without lesser tokens. */
  public WebSettings(
      String host,
      int port,
      @Nullable String token,
      Set<String> allowedHosts,
      @Nullable TlsFiles tls,
      boolean behindProxy,
      String workingDirectory,
      Limits limits) {
    this(host, port, token, allowedHosts, tls, behindProxy, workingDirectory, limits, Lesser.NONE);
  }

  public WebSettings {
    allowedHosts = Set.copyOf(allowedHosts);
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("the port must be from 0 to 65535: " + port);
    }
    requireLong(token);
    if (token != null && token.equals(lesser.reading())) {
      throw new IllegalArgumentException("the token for reading must not be the token");
    }
    if (!workingDirectory.startsWith("/")) {
      throw new IllegalArgumentException("not an absolute path: " + workingDirectory);
    }
    if (!isLoopback(host) && (token == null || (tls == null && !behindProxy))) {
      throw new IllegalArgumentException(
          "binding "
              + host
              + ", which is beyond loopback, needs a token and either TLS or a proxy in front");
    }
  }

  private static void requireLong(@Nullable String token) {
    if (token != null && token.length() < 16) {
      throw new IllegalArgumentException("a token must have at least 16 characters");
    }
  }

  /** Plain HTTP on loopback with the usual limits. */
  public static WebSettings loopback(int port, @Nullable String token, String workingDirectory) {
    return new WebSettings(
        "127.0.0.1", port, token, Set.of(), null, false, workingDirectory, Limits.USUAL);
  }

  /** The same with other limits. */
  public WebSettings withLimits(Limits other) {
    return new WebSettings(
        host, port, token, allowedHosts, tls, behindProxy, workingDirectory, other, lesser);
  }

  /** The same with lesser tokens. */
  public WebSettings with(Lesser others) {
    return new WebSettings(
        host, port, token, allowedHosts, tls, behindProxy, workingDirectory, limits, others);
  }

  /**
   * Where the server's certificate is.
   *
   * @param certificates PEM, the server's own first
   * @param privateKey PEM, not encrypted
   */
  public record TlsFiles(Path certificates, Path privateKey) {
    /**
     * Reads both.
     *
     * @throws IllegalStateException if no client would accept them at {@code now}: one line that
     *     names the setting, the file, the reason and what to do
     */
    public void requireUsable(Instant now) {
      TlsMaterial.read(this, now);
    }
  }

  /**
   * What clients may take.
   *
   * @param bodyBytesMax of a request's body and of a WebSocket message
   * @param connectionsMax at once; half the process's file descriptors are the bound in any case
   * @param request from the opening of a connection to the end of its first request's headers, and
   *     again for the body
   * @param idle from the end of a request to the end of the next one's headers
   * @param stall how long a write may go without any progress
   * @param heartbeat between pings on a WebSocket
   */
  public record Limits(
      int bodyBytesMax,
      int connectionsMax,
      Duration request,
      Duration idle,
      Duration stall,
      Duration heartbeat) {
    public static final Limits USUAL =
        new Limits(
            1024 * 1024,
            10_240,
            Duration.ofSeconds(30),
            Duration.ofSeconds(75),
            Duration.ofSeconds(30),
            Duration.ofSeconds(15));

    public Limits {
      if (bodyBytesMax < 1 || connectionsMax < 1) {
        throw new IllegalArgumentException("limits must be positive");
      }
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("the host cannot be resolved: " + host, e);
    }
  }
}
