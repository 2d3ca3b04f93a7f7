package holdfast.adapters.web;

/**
 * A request that is answered with a problem. Carries no stack trace: it is an answer, thrown where
 * returning it would obscure the code, and is made for every bad request a stranger sends.
 */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Problem problem;

  RefusedException(Problem problem) {
    super(problem.detail(), null, false, false);
    this.problem = problem;
  }

  Problem problem() {
    return problem;
  }
}
