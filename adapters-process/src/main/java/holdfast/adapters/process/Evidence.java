package holdfast.adapters.process;

import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.recovery.ProcessEvidence.RecordedProcess;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Finds out what can be known of a run, and keeps the words for the report. Any thread. */
final class Evidence {
  private static final long WALK_SHARED_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Host host;
  private final String quarantine;
  private final InstantSource clock;
  private final boolean onlooking;
  private final Cookies cookies = new Cookies();

  Evidence(Host host, String quarantine, InstantSource clock) {
    this(host, quarantine, clock, false);
  }

  private Evidence(Host host, String quarantine, InstantSource clock, boolean onlooking) {
    this.host = host;
    this.quarantine = quarantine;
    this.clock = clock;
    this.onlooking = onlooking;
  }

  /** What is read without taking, keeping or changing anything. */
  static Evidence onlooking(Host host, InstantSource clock) {
    return new Evidence(host, "", clock, true);
  }

  Cookies cookies() {
    return cookies;
  }

  /**
   * Reads everything. Without a monitor it takes the run's permit first, so that nothing that was
   * on its way can still begin behind what is read.
   *
   * @param putAside whether damaged records are copied to the quarantine
   */
  ProcessEvidence gather(String path, RunRef run, Attempt attempt, boolean putAside) {
    var facts = new ArrayList<String>();
    boolean outlived = host.hasOutlived(attempt.host());
    boolean sameHost = outlived || host.shares(attempt.host());
    facts.add(
        outlived
            ? "host: another pid namespace than at the start; the server was the first process of"
                + " that one, "
                + attempt.host().pidNamespace()
                + ", and the kernel ended everything in it with the server"
            : sameHost
                ? "host: machine and pid namespace are those of the start"
                : "host: another machine or pid namespace than at the start");
    facts.add(
        "boot: "
            + (host.bootId().equals(attempt.host().bootId())
                ? "the same as at the start, " + host.bootId()
                : "another than at the start: " + attempt.host().bootId()));
    try (Directory directory = Directory.openIfPresent(path)) {
      Lock lock = lock(directory, facts);
      // Then something of it lives after all, such as a server that shares the directory's disk.
      sameHost &= !(outlived && lock == Lock.HELD);
      if (directory != null && lock != Lock.HELD && sameHost) {
        claim(directory, facts);
      }
      // Read after the lock: a monitor writes its record before it lets go.
      ExitRecord exit = exit(directory, lock, facts);
      RecordedProcess process = process(directory, attempt, facts);
      boolean open = lock != Lock.HELD && !(exit instanceof ExitRecord.Valid) && sameHost;
      List<ProcessIdentity> bearers = bearers(process, open, attempt, facts);
      if (putAside && !onlooking && directory != null && lock != Lock.HELD) {
        putAside(directory, run, exit, process);
      }
      return new ProcessEvidence(sameHost, lock, exit, process, bearers, facts);
    }
  }

  private void claim(Directory directory, List<String> facts) {
    if (onlooking && RunDirectory.isUnclaimed(directory)) {
      facts.add("permit: still there; a start takes it, so that the command is not reached");
    } else if (!onlooking && RunDirectory.claim(directory)) {
      facts.add("permit: taken, the command will not be reached any more");
    }
  }

  private static Lock lock(@Nullable Directory directory, List<String> facts) {
    if (directory == null) {
      facts.add("run directory: there is none");
      return Lock.NO_DIRECTORY;
    }
    int file = directory.openFile(RunDirectory.LOCK, Kernel.O_RDONLY | Kernel.O_NONBLOCK);
    if (file < 0) {
      facts.add("lock: the file is missing");
      return Lock.MISSING;
    }
    try {
      boolean held = Directory.isLocked(file, directory.path());
      facts.add(held ? "lock: held, a monitor lives" : "lock: free, no monitor lives");
      return held ? Lock.HELD : Lock.FREE;
    } finally {
      Kernel.close(file);
    }
  }

  private ExitRecord exit(@Nullable Directory directory, Lock lock, List<String> facts) {
    ExitRecord exit = directory == null ? new ExitRecord.None() : readExit(directory);
    if (lock == Lock.HELD && exit instanceof ExitRecord.Damaged) {
      // It is being written at this moment.
      exit = new ExitRecord.None();
    }
    facts.add(
        switch (exit) {
          case ExitRecord.None _ -> "exit record: none";
          case ExitRecord.Valid valid -> "exit record: " + valid.outcome();
          case ExitRecord.Damaged(String what) -> "exit record: damaged, " + what;
        });
    return exit;
  }

  /** The exit record alone. */
  ExitRecord readExit(Directory directory) {
    byte[] content = directory.read(RunDirectory.EXIT, RunDirectory.RECORD_BYTES_MAX);
    if (content == null || ProcessRecord.isBlank(content)) {
      return new ExitRecord.None();
    }
    Instant now = clock.instant();
    return ExitFile.parse(content, () -> StartFailure.of(directory), host, now);
  }

  private RecordedProcess process(
      @Nullable Directory directory, Attempt attempt, List<String> facts) {
    byte[] content =
        directory == null
            ? null
            : directory.read(RunDirectory.PROCESS, RunDirectory.RECORD_BYTES_MAX);
    RecordedProcess process =
        directory == null || content == null
            ? journalled(attempt)
            : switch (ProcessRecord.parse(content)) {
              case ProcessRecord.Blank _ -> journalled(attempt);
              case ProcessRecord.Complete(ProcessIdentity identity, long _) ->
                  compare(directory.path(), identity, attempt);
              case ProcessRecord.Damaged _ ->
                  new RecordedProcess.Damaged("it has content, but no valid record");
            };
    facts.add("process: " + describe(process));
    return process;
  }

  private RecordedProcess journalled(Attempt attempt) {
    ProcessIdentity known = attempt.process();
    return known == null ? new RecordedProcess.Absent() : compare("", known, attempt);
  }

  private RecordedProcess compare(String path, ProcessIdentity identity, Attempt attempt) {
    if (!identity.bootId().equals(host.bootId())) {
      return new RecordedProcess.OtherBoot(identity);
    }
    if (host.hasOutlived(attempt.host())) {
      return new RecordedProcess.OtherNamespace(identity);
    }
    ProcTable.Entry now = ProcTable.find(identity.pid());
    if (now == null || now.isZombie()) {
      return new RecordedProcess.Gone(identity);
    }
    if (!now.is(identity)) {
      return new RecordedProcess.Stranger(
          identity, "it started at tick " + now.startTicks() + ", not " + identity.startTicks());
    }
    return new Ties(path, attempt).prove(now)
        ? new RecordedProcess.Alive(identity)
        : new RecordedProcess.Stranger(identity, "nothing ties it to the run");
  }

  private static String describe(RecordedProcess process) {
    return switch (process) {
      case RecordedProcess.Absent _ -> "none recorded";
      case RecordedProcess.Alive(ProcessIdentity identity) ->
          named(identity) + " lives; start time and boot agree, and it is the run's";
      case RecordedProcess.Gone(ProcessIdentity identity) -> named(identity) + " is gone";
      case RecordedProcess.Stranger(ProcessIdentity identity, String difference) ->
          named(identity) + " is a stranger now: " + difference;
      case RecordedProcess.OtherBoot(ProcessIdentity identity) ->
          named(identity) + " was of another boot, " + identity.bootId();
      case RecordedProcess.OtherNamespace(ProcessIdentity identity) ->
          named(identity) + " ended with its pid namespace";
      case RecordedProcess.Damaged(String what) -> "the record is damaged: " + what;
    };
  }

  private static String named(ProcessIdentity identity) {
    return "pid " + identity.pid() + ", started at tick " + identity.startTicks() + ",";
  }

  /**
   * A verdict rests on them only if no process was recorded that could be told alive or dead; then
   * nothing but a walk begun after all else was read will do. After another boot there are none.
   */
  private List<ProcessIdentity> bearers(
      RecordedProcess process, boolean open, Attempt attempt, List<String> facts) {
    return switch (process) {
      case RecordedProcess.Alive(ProcessIdentity identity) -> List.of(identity);
      case RecordedProcess.OtherBoot _, RecordedProcess.OtherNamespace _ -> List.of();
      case RecordedProcess.Absent _, RecordedProcess.Damaged _ ->
          open ? bearers(attempt, 0, facts) : List.of();
      case RecordedProcess.Gone _, RecordedProcess.Stranger _ ->
          open ? bearers(attempt, WALK_SHARED_NANOS, facts) : List.of();
    };
  }

  private List<ProcessIdentity> bearers(Attempt attempt, long withinNanos, List<String> facts) {
    if (!host.bootId().equals(attempt.host().bootId()) || host.hasOutlived(attempt.host())) {
      return List.of();
    }
    List<ProcessIdentity> bearers =
        cookies.within(withinNanos).bearersOf(attempt.cookie()).stream()
            .map(entry -> entry.identity(host.bootId()))
            .toList();
    facts.add(
        bearers.isEmpty()
            ? "cookie: no process bears it"
            : "cookie: borne by pid "
                + String.join(", ", bearers.stream().map(b -> String.valueOf(b.pid())).toList()));
    return bearers;
  }

  private void putAside(Directory directory, RunRef run, ExitRecord exit, RecordedProcess process) {
    if (exit instanceof ExitRecord.Damaged(String what)) {
      Quarantine.keep(quarantine, directory, RunDirectory.EXIT, run, what, clock.instant());
    }
    if (process instanceof RecordedProcess.Damaged(String what)) {
      Quarantine.keep(quarantine, directory, RunDirectory.PROCESS, run, what, clock.instant());
    }
  }
}
