package holdfast.adapters.web;

import java.util.Set;

/**
 * One line of the route table.
 *
 * @param method upper case
 * @param pattern path whose segment {@code {id}} stands for any one segment
 * @param parameters that the query may have
 * @param produces media type of the answer, problems aside
 */
record Route(
    String method,
    String pattern,
    Access access,
    Set<String> parameters,
    String produces,
    Handler handler) {
  /** What most routes answer with. */
  static final String JSON = "application/json";

  /** The one segment that varies. */
  static final String PARAMETER = "{id}";

  Route(String method, String pattern, Access access, Set<String> parameters, Handler handler) {
    this(method, pattern, access, parameters, JSON, handler);
  }

  /** Answers a request. */
  @FunctionalInterface
  interface Handler {
    /**
     * Answers.
     *
     * @throws RefusedException for an answer that is a problem
     */
    Response handle(Call call) throws InterruptedException;
  }
}
