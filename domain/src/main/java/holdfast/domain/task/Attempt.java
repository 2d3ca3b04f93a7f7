package holdfast.domain.task;

import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One execution of a task.
 *
 * @param number from 1
 * @param run which run directory of the attempt is in force, from 1; see {@link RunRef}
 * @param cookie random value in the environment of this run's processes, {@code HOLDFAST_RUN_ID}
 * @param owner the server that answers for it
 * @param host where its process lives; recorded before the process exists
 * @param startedAt when the start was decided
 * @param endedAt when its outcome was recorded, or null
 * @param recoveries how often a restarted server took it over; counted apart from retries
 * @param process the command's process once it is known, or null
 * @param outcome how it ended, or null while it may still run
 * @param outputBytes final size of each stream at the end of the attempt; empty before
 * @param seals of the streams that were sealed since; see {@link OutputSeal}
 */
public record Attempt(
    int number,
    int run,
    String cookie,
    Owner owner,
    HostIdentity host,
    Instant startedAt,
    @Nullable Instant endedAt,
    int recoveries,
    @Nullable ProcessIdentity process,
    @Nullable Outcome outcome,
    Map<OutputStreamName, Long> outputBytes,
    Map<OutputStreamName, OutputSeal> seals) {

  public Attempt {
    outputBytes = Map.copyOf(outputBytes);
    seals = Map.copyOf(seals);
    if ((endedAt == null) != (outcome == null)) {
      throw new IllegalArgumentException("an attempt has an end if and only if it has an outcome");
    }
    if (outcome == null && !seals.isEmpty()) {
      throw new IllegalArgumentException("the output of an attempt is sealed only after its end");
    }
  }

  static Attempt starting(int number, RunTicket ticket, Instant now) {
    return new Attempt(
        number,
        ticket.run(),
        ticket.cookie(),
        ticket.owner(),
        ticket.host(),
        now,
        null,
        0,
        null,
        null,
        Map.of(),
        Map.of());
  }

  /** The same attempt as {@code task} knows it; this one if it does not know it. */
  Attempt asKnownTo(Task task) {
    boolean isKnown =
        number <= task.attempts().size() && task.attempts().get(number - 1).cookie().equals(cookie);
    return isKnown ? task.attempts().get(number - 1) : this;
  }

  Attempt withProcess(ProcessIdentity identity) {
    return new Attempt(
        number,
        run,
        cookie,
        owner,
        host,
        startedAt,
        endedAt,
        recoveries,
        identity,
        outcome,
        outputBytes,
        seals);
  }

  Attempt ended(
      Instant now,
      Outcome how,
      @Nullable ProcessIdentity identity,
      Map<OutputStreamName, Long> bytes) {
    return new Attempt(
        number,
        run,
        cookie,
        owner,
        host,
        startedAt,
        now,
        recoveries,
        identity == null ? process : identity,
        how,
        bytes,
        Map.of());
  }

  Attempt adopted(Owner newOwner, @Nullable ProcessIdentity identity) {
    return new Attempt(
        number,
        run,
        cookie,
        newOwner,
        host,
        startedAt,
        endedAt,
        recoveries + 1,
        identity == null ? process : identity,
        outcome,
        outputBytes,
        seals);
  }

  Attempt restarted(RunTicket ticket) {
    return new Attempt(
        number,
        run + 1,
        ticket.cookie(),
        ticket.owner(),
        ticket.host(),
        startedAt,
        null,
        recoveries + 1,
        null,
        null,
        Map.of(),
        Map.of());
  }

  /** Final sizes after late output was found behind the recorded end. */
  Attempt withOutputBytes(Map<OutputStreamName, Long> bytes) {
    return with(bytes, seals);
  }

  /** The output is sealed, and what was sealed is what there is. */
  Attempt sealed(Map<OutputStreamName, OutputSeal> more) {
    var bytes = new EnumMap<OutputStreamName, Long>(OutputStreamName.class);
    bytes.putAll(outputBytes);
    more.forEach((stream, seal) -> bytes.put(stream, seal.bytes()));
    var all = new EnumMap<OutputStreamName, OutputSeal>(OutputStreamName.class);
    all.putAll(seals);
    all.putAll(more);
    return with(bytes, all);
  }

  private Attempt with(
      Map<OutputStreamName, Long> bytes, Map<OutputStreamName, OutputSeal> sealed) {
    return new Attempt(
        number,
        run,
        cookie,
        owner,
        host,
        startedAt,
        endedAt,
        recoveries,
        process,
        outcome,
        bytes,
        sealed);
  }

  /**
   * Whether a stream is sealed with the size that is recorded. One that is recorded as empty has no
   * seal; whether it really was is for whoever keeps its copy to say.
   */
  public boolean isSealed(OutputStreamName stream) {
    OutputSeal seal = seals.get(stream);
    return outcome != null && seal != null && recordedBytes(stream) == seal.bytes();
  }

  /** The recorded size of a stream; 0 if none is. */
  public long recordedBytes(OutputStreamName stream) {
    return outputBytes.getOrDefault(stream, 0L);
  }
}
