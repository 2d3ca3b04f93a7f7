/**
 * {@code holdfast resilience}: breaks a server in a scratch directory in every way that it promises
 * to survive, and says what came of it. Stands outside of what it tests: it knows the server by its
 * command line, its API and its files alone.
 *
 * <p>A {@code Drill} is one test. It gathers an observation and hands it to a pure function that
 * names every promise it breaks, so that the judgement itself can be tested against observations
 * that are wrong in one thing each.
 */
@NullMarked
package holdfast.bootstrap.resilience;

import org.jspecify.annotations.NullMarked;
