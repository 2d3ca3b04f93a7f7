package holdfast.adapters.web;

import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.util.List;
import java.util.Set;

/**
 * {@code /launch?code=…}: lets a browser in. The code works once, so the URL is worth nothing once
 * it is in a history or a log.
 */
final class LaunchRoute {
  static final String PATH = "/launch";

  private final Gate gate;
  private final boolean secure;

  /**
   * @param secure whether the browser is to send the cookie over TLS only
   */
  LaunchRoute(Gate gate, boolean secure) {
    this.gate = gate;
    this.secure = secure;
  }

  Route route() {
    return new Route("GET", PATH, Access.CODE, Set.of("code"), Accepts.ANYTHING, this::launch);
  }

  private Response launch(Call call) {
    Sessions sessions = gate.sessions();
    var home = HeaderValues.create(HeaderNames.LOCATION, "/");
    if (sessions == null) {
      return new Response.Whole(Status.SEE_OTHER_303, new byte[0], List.of(home));
    }
    String code = call.query().text("code");
    String session = code == null ? null : sessions.redeem(code);
    if (session == null) {
      throw new RefusedException(gate.wrongCode());
    }
    String cookie =
        Sessions.COOKIE
            + "="
            + session
            + "; Path=/; HttpOnly; SameSite=Strict; Max-Age="
            + Sessions.COOKIE_LIFE.toSeconds()
            + (secure ? "; Secure" : "");
    return new Response.Whole(
        Status.SEE_OTHER_303,
        new byte[0],
        List.of(home, HeaderValues.create(HeaderNames.SET_COOKIE, cookie)));
  }
}
