package holdfast.adapters.web;

import io.helidon.http.HttpPrologue;
import io.helidon.http.WritableHeaders;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.helidon.webserver.http1.spi.Http1Upgrader;
import io.helidon.webserver.spi.ServerConnection;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What Helidon is given before the port is bound. The first requests wait here for the microseconds
 * until the rest, which needs to know the port, stands.
 */
final class Doorway implements Handler, Filter, Http1Upgrader {
  private final CompletableFuture<Installed> installed = new CompletableFuture<>();

  private record Installed(FrontDoor door, SocketUpgrade upgrade) {}

  void install(FrontDoor door, SocketUpgrade upgrade) {
    installed.complete(new Installed(door, upgrade));
  }

  @Override
  public void handle(ServerRequest request, ServerResponse response) {
    installed.join().door().handle(request, response);
  }

  @Override
  public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
    chain.proceed();
    installed.join().door().afterwards(request);
  }

  @Override
  public String supportedProtocol() {
    return SocketUpgrade.PROTOCOL;
  }

  @Override
  public @Nullable ServerConnection upgrade(
      ConnectionContext context, HttpPrologue prologue, WritableHeaders<?> headers) {
    return installed.join().upgrade().upgrade(context, prologue, headers);
  }
}
