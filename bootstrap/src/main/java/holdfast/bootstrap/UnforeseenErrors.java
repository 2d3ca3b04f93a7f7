package holdfast.bootstrap;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Takes what the server's own code reports of errors nobody foresaw into the event log, where
 * answers send their readers: category {@code error}, type {@code internal-error}, with the stack
 * trace. What libraries have to say is left out. Any thread.
 */
final class UnforeseenErrors extends Handler {
  /** Of a stack trace: its cause is within, and no line of the log is pages long. */
  private static final int TRACE_CHARS_MAX = 16_384;

  /** Held, since the platform forgets the level of a logger that nobody holds. */
  private static final Logger OWN = Logger.getLogger("holdfast");

  private final Consumer<Map<String, Object>> log;

  private UnforeseenErrors(Consumer<Map<String, Object>> log) {
    this.log = log;
  }

  /**
   * Begins, in place of whoever did it before.
   *
   * @param log is given what a line of the event log is to say; must not fail
   */
  static void into(Consumer<Map<String, Object>> log) {
    for (Handler former : OWN.getHandlers()) {
      OWN.removeHandler(former);
    }
    OWN.setUseParentHandlers(false);
    OWN.setLevel(Level.SEVERE);
    OWN.addHandler(new UnforeseenErrors(log));
  }

  @Override
  public void publish(LogRecord entry) {
    var data = new LinkedHashMap<String, Object>();
    data.put("message", String.valueOf(entry.getMessage()));
    data.put("where", String.valueOf(entry.getLoggerName()));
    Throwable thrown = entry.getThrown();
    if (thrown != null) {
      data.put("error", thrown.toString());
      data.put("trace", trace(thrown));
    }
    log.accept(data);
  }

  private static String trace(Throwable thrown) {
    var text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    String whole = text.toString();
    return whole.length() <= TRACE_CHARS_MAX ? whole : whole.substring(0, TRACE_CHARS_MAX) + "…";
  }

  @Override
  public void flush() {
    // The event log writes errors at once.
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
