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
import java.util.Set;
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
  private static final long MENDED_FOR_READERS_MAX = 256L << 20;

  /** Chunks that one call of {@link #check} reads of each file. */
  private static final int CHECKED_CHUNKS = 64;

  /** Tasks share locks; it only has to be unlikely that one waits for another. */
  private static final int LOCKS = 64;

  private static final Sealing.Sealed NOTHING =
      new Sealing.Sealed(new OutputSeal(0, Completion.digest(List.of())), List.of());

  private final Disk disk;
  private final Layout layout;
  private final Quarantine quarantine;
  private final Quarantine copyQuarantine;
  private final Map<Output, LiveOutput> live = new ConcurrentHashMap<>();
  private final List<ReentrantLock> locks = new ArrayList<>();
  private volatile Consumer<Mended> listener = _ -> {};

  /** Streams whose files could not be made durable: they must be written again first. */
  private final Set<Output> unforced = ConcurrentHashMap.newKeySet();

  /** Whether anything may be written; not below a copy that was not accepted. */
  private final BooleanSupplier isWritable;

  /**
   * @param quarantine keeps what is damaged
   * @param copyQuarantine keeps what is damaged of the copies, on their file system
   */
  public FileOutputStorage(
      Disk disk,
      Layout layout,
      Quarantine quarantine,
      Quarantine copyQuarantine,
      BooleanSupplier isWritable) {
    this.disk = disk;
    this.layout = layout;
    this.quarantine = quarantine;
    this.copyQuarantine = copyQuarantine;
    this.isWritable = isWritable;
    for (int i = 0; i < LOCKS; i++) {
      locks.add(new ReentrantLock());
    }
  }

  private OutputFiles files(Output output) {
    return OutputFiles.of(disk, layout, quarantine, copyQuarantine, output);
  }

  private ReentrantLock locked(Output output) {
    return locked(output.run().task());
  }

  /** The streams of one task share a lock: a purge must not come between. */
  private ReentrantLock locked(TaskId task) {
    ReentrantLock lock = locks.get(Math.floorMod(task.hashCode(), LOCKS));
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
    // A reader does not wait for many gigabytes: it takes the copy's, and the check mends.
    if (!isWritable.getAsBoolean() || seal.bytes() > MENDED_FOR_READERS_MAX) {
      return;
    }
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
      LiveOutput present = live(output);
      present.mended().forEach(listener);
      return present.copy(all);
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
  public void release(Output output) {
    ReentrantLock lock = locked(output);
    try {
      LiveOutput present = live.remove(output);
      if (present != null) {
        present.close();
      }
    } catch (IOException e) {
      throw new StorageException("the files of the output " + output + " could not be closed", e);
    } finally {
      lock.unlock();
    }
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
        forceTogether(dirty);
        return;
      }
      for (Output output : dirty) {
        force(output);
      }
    } catch (IOException e) {
      throw new StorageException("the copies of outputs cannot be made durable: " + e, e);
    }
  }

  private void forceTogether(List<Output> dirty) throws IOException {
    try {
      disk.forceFileSystem(layout.outputCopies());
    } catch (IOException e) {
      // What was not written is gone from memory too, of any of them.
      for (Output output : dirty) {
        discard(output);
      }
      throw e;
    }
    dirty.forEach(this::forced);
  }

  private void discard(Output output) throws IOException {
    ReentrantLock lock = locked(output);
    try {
      LiveOutput present = live.get(output);
      if (present != null) {
        present.discardCopy();
      }
    } finally {
      lock.unlock();
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
        unforced.addAll(outputs);
        results.replaceAll((_, _) -> new Sealing.Postponed("it cannot be made durable: " + e));
      }
    }
    return results;
  }

  private Sealing seal(Output output, boolean force) {
    ReentrantLock lock = locked(output);
    try {
      return isNothing(output) ? NOTHING : complete(output, force);
    } catch (IOException e) {
      return new Sealing.Postponed(String.valueOf(e.getMessage()));
    } finally {
      lock.unlock();
    }
  }

  /** Most silent commands are known by two names that lead to nothing. */
  private boolean isNothing(Output output) throws IOException {
    OutputFiles files = files(output);
    return !live.containsKey(output)
        && disk.kind(files.copy()) == Disk.Kind.MISSING
        && (disk.kind(files.raw()) == Disk.Kind.MISSING || isEmpty(files.raw()));
  }

  private boolean isEmpty(Path file) throws IOException {
    if (disk.kind(file) != Disk.Kind.FILE) {
      return false;
    }
    try (DiskFile opened = disk.open(file, Disk.Access.READ)) {
      return opened.size() == 0;
    }
  }

  private Sealing complete(Output output, boolean force) throws IOException {
    try (LiveOutput ended = live(output)) {
      var completion = new Completion(ended, unforced.contains(output));
      OutputSeal seal = completion.complete();
      if (force) {
        force(output, ended);
      }
      unforced.remove(output);
      return new Sealing.Sealed(seal, completion.mended());
    } finally {
      live.remove(output);
    }
  }

  private void force(Output output, LiveOutput ended) throws IOException {
    try {
      ended.force();
      DiskFile raw = ended.raw();
      if (raw != null) {
        raw.force();
      }
    } catch (IOException e) {
      unforced.add(output);
      throw e;
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
      boolean lost = !sound && !isMended(sealed, mended);
      return new Checked(
          lost || last == seal.chunks() ? -1 : (long) last * OutputSeal.CHUNK,
          2 * (Math.min(seal.bytes(), (long) last * OutputSeal.CHUNK) - from),
          sealed.rawLength() > seal.bytes(),
          mended);
    } catch (IOException e) {
      throw new StorageException("the output " + output + " cannot be checked: " + e, e);
    } finally {
      lock.unlock();
    }
  }

  /** Mends what can be mended; returns whether that is all. */
  private static boolean isMended(SealedOutput sealed, List<Mended> mended) throws IOException {
    SealedOutput.Damage damage = sealed.examine();
    sealed.mendFirst(damage, mended);
    String loss = sealed.loss(damage);
    if (loss != null) {
      mended.add(new Mended(sealed.firstPath().toString(), loss, null, null));
      return false;
    }
    if (damage.isOfCopy()) {
      sealed.mendCopy(mended);
    }
    return true;
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
    Path directory = layout.task(task);
    Path copies = layout.outputCopies(task);
    ReentrantLock lock = locked(task);
    try {
      letGo(task);
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
    } finally {
      lock.unlock();
    }
  }

  private void letGo(TaskId task) throws IOException {
    List<Output> open =
        live.keySet().stream().filter(output -> output.run().task().equals(task)).toList();
    for (Output output : open) {
      LiveOutput present = live.remove(output);
      if (present != null) {
        present.close();
      }
    }
    unforced.removeIf(output -> output.run().task().equals(task));
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
