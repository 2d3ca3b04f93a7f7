package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.util.List;

/** One test of one promise. */
abstract sealed class Drill
    permits CrashRecovery,
        DamagedFile,
        DataPersistence,
        DiskFull,
        ExitWhileDown,
        GracefulStop,
        HealthMonitoring,
        SecondServer,
        SnapshotRestore,
        SocketReconnection,
        SyncConflict {

  /** Every one, in the order in which they are told of. */
  static List<Drill> all() {
    return List.of(
        new CrashRecovery(),
        new SocketReconnection(),
        new DataPersistence(),
        new HealthMonitoring(),
        new GracefulStop(),
        new ExitWhileDown(),
        new DamagedFile(),
        new DiskFull(),
        new SecondServer(),
        new SyncConflict(),
        new SnapshotRestore());
  }

  /** Of the command line. */
  abstract String name();

  /**
   * Runs it against servers of its own.
   *
   * @throws BrokenPromiseException for what cannot be gone on after
   */
  abstract Outcome run(Bench bench) throws IOException, InterruptedException;

  /** Runs what of it is harmless against a server that is somebody else's. */
  Outcome against(Api api) throws IOException, InterruptedException {
    return new Outcome.Skipped("it " + harm() + ": run it without --server");
  }

  /** What it does to a server, in words that follow "it". */
  abstract String harm();
}
