package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles.Watch;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Hears when files in the shards change, as the file system tells it. A hint: what is lost when
 * there is too much of it, or when the machine has no watch to spare, is found by the next look at
 * all files.
 */
final class StateFileWatch implements Watch {
  private static final WatchEvent.Kind<?>[] KINDS = {
    StandardWatchEventKinds.ENTRY_CREATE,
    StandardWatchEventKinds.ENTRY_MODIFY,
    StandardWatchEventKinds.ENTRY_DELETE
  };

  private final StateFilePlaces places;
  private final Consumer<EntityKey> heard;
  private final @Nullable WatchService service;
  private volatile @Nullable String obstacle;

  private StateFileWatch(
      StateFilePlaces places, Consumer<EntityKey> heard, @Nullable WatchService service) {
    this.places = places;
    this.heard = heard;
    this.service = service;
  }

  static StateFileWatch of(StateFilePlaces places, Consumer<EntityKey> heard) {
    WatchService service = null;
    IOException failure = null;
    try {
      service = FileSystems.getDefault().newWatchService();
    } catch (IOException e) {
      failure = e;
    }
    var watch = new StateFileWatch(places, heard, service);
    if (service == null) {
      watch.fail(String.valueOf(failure));
      return watch;
    }
    for (EntityKey.Kind kind : EntityKey.Kind.values()) {
      watch.addAll(places.directory(kind));
    }
    Thread.ofPlatform().daemon().name("holdfast-state-watch").start(watch::listen);
    return watch;
  }

  @Override
  public @Nullable String obstacle() {
    return obstacle;
  }

  private void fail(String why) {
    obstacle =
        "edits of state files are seen at the next look at all of them, not at once, since they"
            + " cannot be watched: "
            + why;
  }

  private void addAll(Path directory) {
    add(directory);
    try {
      for (String shard : places.disk().list(directory)) {
        add(directory.resolve(shard));
      }
    } catch (IOException e) {
      fail(e.toString());
    }
  }

  private void add(Path directory) {
    WatchService open = service;
    if (open == null) {
      return;
    }
    try {
      if (places.disk().kind(directory) == Disk.Kind.DIRECTORY) {
        directory.register(open, KINDS);
      }
    } catch (IOException e) {
      fail(e.toString());
    }
  }

  private void listen() {
    WatchService open = service;
    try {
      while (open != null) {
        WatchKey key = open.take();
        if (key.watchable() instanceof Path directory) {
          key.pollEvents().forEach(event -> hear(directory, event));
        }
        key.reset();
      }
    } catch (ClosedWatchServiceException _) {
      // That is how it ends.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      fail(e.toString());
    }
  }

  private void hear(Path directory, WatchEvent<?> event) {
    if (!(event.context() instanceof Path name)) {
      // Too much at once: which files changed is not said.
      files(directory);
      return;
    }
    Path path = directory.resolve(name);
    boolean isShard = isKind(directory);
    if (isShard) {
      add(path);
      files(path);
    } else {
      hear(path);
    }
  }

  private boolean isKind(Path directory) {
    return List.of(EntityKey.Kind.values()).stream()
        .anyMatch(kind -> places.directory(kind).equals(directory));
  }

  private void files(Path directory) {
    try {
      for (String file : places.disk().list(directory)) {
        hear(directory.resolve(file));
      }
    } catch (IOException _) {
      // Gone again: the look at all files finds what is missing.
    }
  }

  private void hear(Path file) {
    EntityKey key = places.key(file, String.valueOf(file.getFileName()));
    if (key != null) {
      heard.accept(key);
    }
  }

  @Override
  public void close() {
    WatchService open = service;
    if (open != null) {
      try {
        open.close();
      } catch (IOException _) {
        // It hears nothing more either way.
      }
    }
  }
}
