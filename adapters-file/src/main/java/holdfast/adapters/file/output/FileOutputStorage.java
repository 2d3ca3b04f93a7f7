package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What commands wrote into their run directories, and a compressed, checksummed copy of it in
 * another place.
 */
public final class FileOutputStorage implements OutputStorage {
  /** From so many files on, the whole file system is forced rather than each of them. */
  private static final int FORCED_APART_MAX = 4;

  private static final int PACKED_BYTES_MIN = 64 << 10;
  private static final int PACKED_RATIO_MIN = 2;

  /** Chunks that one call of {@link #check} reads of each file. */
  private static final int CHECKED_CHUNKS = 16;

  /** Streams share locks; it only has to be unlikely that one waits for another. */
  private static final int LOCKS = 64;

  private final Disk disk;
  private final Layout layout;
  private final Quarantine quarantine;
  private final Map<Output, LiveOutput> live = new ConcurrentHashMap<>();
  private final List<ReentrantLock> locks = new ArrayList<>();
  private volatile Consumer<Mended> listener = _ -> {};

  /** For {@link #copy} alone, which one thread calls at a time. */
  private final byte[] piece = new byte[OutputSeal.CHUNK];

  public FileOutputStorage(Disk disk, Layout layout, Quarantine quarantine) {
    this.disk = disk;
    this.layout = layout;
    this.quarantine = quarantine;
    for (int i = 0; i < LOCKS; i++) {
      locks.add(new ReentrantLock());
    }
  }

  private OutputFiles files(Output output) {
    return OutputFiles.of(disk, layout, quarantine, output);
  }

  private ReentrantLock locked(Output output) {
    ReentrantLock lock = locks.get(Math.floorMod(output.hashCode(), LOCKS));
    lock.lock();
    return lock;
  }

  @Override
  public Reader open(Output output, @Nullable OutputSeal seal) {
    OutputFiles files = files(output);
    return seal == null || seal.bytes() == 0
        ? new LiveReader(files)
        : new SealedReader(files, seal, () -> mendFirst(output, seal));
  }

  private void mendFirst(Output output, OutputSeal seal) throws IOException {
    var mended = new ArrayList<Mended>();
    ReentrantLock lock = locked(output);
    try (var sealed = new SealedOutput(files(output), seal)) {
      sealed.mendFirst(sealed.examine(), mended);
    } finally {
      lock.unlock();
      mended.forEach(listener);
    }
  }

  @Override
  public void listener(Consumer<Mended> heard) {
    listener = heard;
  }

  @Override
  public Copied copy(Output output, boolean all) {
    ReentrantLock lock = locked(output);
    try {
      return live(output).copy(all, piece);
    } catch (IOException e) {
      throw new StorageException(
          "the copy of the output " + output + " cannot be written: " + e, e);
    } finally {
      lock.unlock();
    }
  }

  private LiveOutput live(Output output) throws IOException {
    LiveOutput present = live.get(output);
    if (present == null) {
      present = LiveOutput.open(files(output));
      live.put(output, present);
    }
    return present;
  }

  @Override
  public void force() {
    List<Output> dirty =
        live.entrySet().stream()
            .filter(entry -> entry.getValue().isDirty())
            .map(Map.Entry::getKey)
            .toList();
    try {
      if (dirty.size() > FORCED_APART_MAX) {
        // What is copied in the meantime is forced next time, though it may be durable already.
        disk.forceFileSystem(layout.outputCopies());
        dirty.forEach(this::forced);
        return;
      }
      for (Output output : dirty) {
        force(output);
      }
    } catch (IOException e) {
      throw new StorageException("the copies of outputs cannot be made durable: " + e, e);
    }
  }

  private void forced(Output output) {
    ReentrantLock lock = locked(output);
    try {
      LiveOutput present = live.get(output);
      if (present != null) {
        present.forced();
      }
    } finally {
      lock.unlock();
    }
  }

  private void force(Output output) throws IOException {
    ReentrantLock lock = locked(output);
    try {
      LiveOutput present = live.get(output);
      if (present != null) {
        present.force();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Map<Output, Sealing> seal(List<Output> outputs) {
    var results = new LinkedHashMap<Output, Sealing>();
    boolean apart = outputs.size() <= FORCED_APART_MAX;
    for (Output output : outputs) {
      results.put(output, seal(output, apart));
    }
    if (!apart) {
      try {
        disk.forceFileSystem(layout.tasks());
        disk.forceFileSystem(layout.outputCopies());
      } catch (IOException e) {
        results.replaceAll((_, _) -> new Sealing.Postponed("it cannot be made durable: " + e));
      }
    }
    return results;
  }

  private Sealing seal(Output output, boolean force) {
    ReentrantLock lock = locked(output);
    try (LiveOutput ended = live(output)) {
      var completion = new Completion(ended);
      OutputSeal seal = completion.complete();
      if (force) {
        ended.force();
        DiskFile raw = ended.raw();
        if (raw != null) {
          raw.force();
        }
      }
      return new Sealing.Sealed(seal, completion.mended());
    } catch (IOException e) {
      return new Sealing.Postponed(String.valueOf(e.getMessage()));
    } finally {
      live.remove(output);
      lock.unlock();
    }
  }

  @Override
  public Checked check(Output output, OutputSeal seal, long from) {
    ReentrantLock lock = locked(output);
    var mended = new ArrayList<Mended>();
    try (var sealed = new SealedOutput(files(output), seal)) {
      int first = Math.toIntExact(from / OutputSeal.CHUNK);
      int last = Math.min(first + CHECKED_CHUNKS, seal.chunks());
      boolean sound = sealed.isFirstWellFormed() && sealed.isCopyWellFormed();
      for (int i = first; i < last && sound; i++) {
        sound = sealed.isFirstSound(i) && sealed.isCopySound(i);
      }
      if (!sound) {
        mend(sealed, mended);
      }
      return new Checked(
          last == seal.chunks() ? -1 : (long) last * OutputSeal.CHUNK,
          2 * (Math.min(seal.bytes(), (long) last * OutputSeal.CHUNK) - from),
          sealed.rawLength() > seal.bytes(),
          mended);
    } catch (IOException e) {
      throw new StorageException("the output " + output + " cannot be checked: " + e, e);
    } finally {
      lock.unlock();
    }
  }

  private static void mend(SealedOutput sealed, List<Mended> mended) throws IOException {
    SealedOutput.Damage damage = sealed.examine();
    String loss = sealed.loss(damage);
    if (loss != null) {
      mended.add(new Mended(sealed.firstPath().toString(), loss, null, null));
      return;
    }
    sealed.mendFirst(damage, mended);
    if (damage.isOfCopy()) {
      sealed.mendCopy(mended);
    }
  }

  @Override
  public boolean pack(Output output, OutputSeal seal, BooleanSupplier isOver) {
    OutputFiles files = files(output);
    ReentrantLock lock = locked(output);
    try {
      if (!isWorthPacking(files, seal) || !isOver.getAsBoolean()) {
        return false;
      }
      try (var sealed = new SealedOutput(files, seal)) {
        return sealed.rawLength() == seal.bytes() && sealed.pack();
      }
    } catch (IOException e) {
      throw new StorageException("the output " + output + " cannot be packed: " + e, e);
    } finally {
      lock.unlock();
    }
  }

  /** A file of less than a few blocks, or one that does not compress, would save nothing. */
  private boolean isWorthPacking(OutputFiles files, OutputSeal seal) throws IOException {
    if (seal.bytes() < PACKED_BYTES_MIN
        || disk.kind(files.raw()) != Disk.Kind.FILE
        || disk.kind(files.copy()) != Disk.Kind.FILE) {
      return false;
    }
    try (DiskFile copy = disk.open(files.copy(), Disk.Access.READ)) {
      return copy.size() <= seal.bytes() / PACKED_RATIO_MIN;
    }
  }

  /** What is damaged in a sealed stream, one sentence each; changes nothing. */
  public List<String> damage(Output output, OutputSeal seal) {
    try (var sealed = new SealedOutput(files(output), seal)) {
      return sealed.sentences(sealed.examine());
    } catch (IOException e) {
      return List.of("the output " + output + " cannot be checked: " + e);
    }
  }

  @Override
  public void purge(TaskId task) {
    live.keySet().removeIf(output -> output.run().task().equals(task) && isLetGo(output));
    Path directory = layout.task(task);
    Path copies = layout.outputCopies(task);
    try {
      if (disk.kind(directory) != Disk.Kind.MISSING) {
        remove(directory);
        disk.forceDirectory(Disk.parent(directory));
      }
      boolean wereThere = false;
      for (String name : disk.list(copies)) {
        if (name.startsWith(task.value() + "-")) {
          wereThere |= disk.delete(copies.resolve(name));
        }
      }
      if (wereThere) {
        disk.forceDirectory(copies);
      }
    } catch (IOException e) {
      throw new StorageException(
          "files of task " + task + " in " + directory + " or " + copies + " remain", e);
    }
  }

  private boolean isLetGo(Output output) {
    ReentrantLock lock = locked(output);
    try {
      LiveOutput present = live.get(output);
      if (present != null) {
        present.close();
      }
    } catch (IOException _) {
      // It was open for reading, or is about to be removed.
    } finally {
      lock.unlock();
    }
    return true;
  }

  /** Removes a tree. A symbolic link is removed as such: what it points at stays. */
  private void remove(Path path) throws IOException {
    if (disk.kind(path) == Disk.Kind.DIRECTORY) {
      for (String name : disk.list(path)) {
        remove(path.resolve(name));
      }
    }
    disk.delete(path);
  }
}
