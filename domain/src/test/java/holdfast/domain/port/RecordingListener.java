package holdfast.domain.port;

import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Remembers what a {@link ProcessControl} reports, for tests to wait for. Any thread. */
public final class RecordingListener implements ProcessControl.Listener {
  private final Map<RunRef, ProcessIdentity> started = new ConcurrentHashMap<>();
  private final Map<RunRef, ProcessEvidence> ended = new ConcurrentHashMap<>();
  private final Map<RunRef, Map<OutputStreamName, Long>> bytes = new ConcurrentHashMap<>();
  private final Map<RunRef, Integer> endReports = new ConcurrentHashMap<>();
  private final Map<RunRef, Integer> quotaReports = new ConcurrentHashMap<>();
  private final Map<RunRef, Map<OutputStreamName, Long>> late = new ConcurrentHashMap<>();

  @Override
  public void started(RunRef run, ProcessIdentity process) {
    started.put(run, process);
  }

  @Override
  public void ended(RunRef run, ProcessEvidence evidence, Map<OutputStreamName, Long> outputBytes) {
    endReports.merge(run, 1, Integer::sum);
    bytes.put(run, outputBytes);
    ended.put(run, evidence);
  }

  @Override
  public void quotaExceeded(RunRef run, long quotaBytes) {
    quotaReports.merge(run, 1, Integer::sum);
  }

  @Override
  public void lateOutput(RunRef run, Map<OutputStreamName, Long> outputBytes) {
    late.put(run, outputBytes);
  }

  public @Nullable ProcessIdentity started(RunRef run) {
    return started.get(run);
  }

  public @Nullable ProcessEvidence ended(RunRef run) {
    return ended.get(run);
  }

  /** Sizes reported with the end. */
  public @Nullable Map<OutputStreamName, Long> outputBytes(RunRef run) {
    return bytes.get(run);
  }

  public int endReports(RunRef run) {
    return endReports.getOrDefault(run, 0);
  }

  public int quotaReports(RunRef run) {
    return quotaReports.getOrDefault(run, 0);
  }

  /** Sizes reported after the end, or null. */
  public @Nullable Map<OutputStreamName, Long> lateOutput(RunRef run) {
    return late.get(run);
  }

  /** What was heard by a server is lost with it. */
  public void forget() {
    started.clear();
    ended.clear();
    bytes.clear();
    endReports.clear();
    quotaReports.clear();
    late.clear();
  }
}
