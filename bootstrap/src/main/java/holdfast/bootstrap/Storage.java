package holdfast.bootstrap;

import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageSettings;
import holdfast.application.Ports;
import holdfast.domain.port.ProcessControl;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.function.Consumer;

/** What storage is told of the configuration, and where its parts are plugged in. */
final class Storage {
  private Storage() {}

  static Ports ports(FileStorage storage, ProcessControl processes) {
    return new Ports(
        storage.taskStorage(),
        storage.outputStorage(),
        processes,
        storage.recoveryStorage(),
        storage.stateFiles(),
        storage.snapshotStorage(),
        storage.scrubbing(),
        storage.eventLog(),
        storage.auditTrail());
  }

  static FileStorageSettings settings(
      Configuration configuration, InstantSource clock, Consumer<Throwable> onFatal) {
    Path data = configuration.get(Settings.DATA_DIR);
    return new FileStorageSettings(
        data,
        configuration.find(Settings.STATE_DIR).orElse(data.resolve("state")),
        configuration.find(Settings.MIRROR_DIR).orElse(null),
        new FileStorageSettings.Allowed(
            configuration.get(Settings.ALLOW_NETWORK_FS),
            configuration.get(Settings.REBUILD_MIRROR),
            configuration.get(Settings.ACCEPT_COPY),
            configuration.get(Settings.ACCEPT_LOSS)),
        FileStorageSettings.Sizes.USUAL.withDiskReserve(configuration.get(Settings.DISK_RESERVE)),
        new FileStorageSettings.Logs(
            configuration.get(Settings.MAX_LOG_SIZE),
            configuration.get(Settings.LOG_FILES),
            configuration.get(Settings.LOG_AGE),
            configuration.get(Settings.LOG_BUDGET),
            configuration.get(Settings.LOG_FLUSH)),
        clock,
        onFatal);
  }
}
