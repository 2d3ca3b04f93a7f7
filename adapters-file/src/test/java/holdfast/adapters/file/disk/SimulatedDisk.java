package holdfast.adapters.file.disk;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that can lose what was not forced.
 *
 * <p>The fault model:
 *
 * <ul>
 *   <li>A kill of the process keeps everything that was written, but what was not forced stays
 *       unforced: the next process reads it, and a power cut after that may still take it.
 *   <li>A power cut keeps, drops or tears (at 512 bytes) each write that was not forced, in any
 *       combination, so later ones may survive earlier ones; and keeps or drops each creation,
 *       renaming and removal whose directory was not forced, in any combination.
 *   <li>A force that fails leaves the written bytes readable, and never writes them: a later force
 *       succeeds without them.
 * </ul>
 *
 * <p>Every operation that changes something is announced to {@link #onOperation} before it happens.
 * Not safe for use by several threads.
 */
public final class SimulatedDisk implements Disk {
  private static final int SECTOR = 512;
  private static final int PAGE = 4_096;

  private final Map<Path, Node> durableNames = new HashMap<>();
  private final TreeMap<Path, Node> names = new TreeMap<>();
  private final List<NameChange> pendingNames = new ArrayList<>();
  private Runnable onOperation = () -> {};
  private long inodes = 1;
  private final Set<Integer> failingForces = new HashSet<>();
  private int forces;
  private int operations;

  /** What becomes of what was not forced. */
  public enum Fate {
    KEPT,
    DROPPED,
    TORN
  }

  /** Decides the fate of each write and each name that was not forced. */
  @FunctionalInterface
  public interface Chance {
    Fate next();
  }

  private record NameChange(
      Path parent, Path path, @Nullable Node node, @Nullable Path gone, @Nullable Node swapped) {
    NameChange(Path parent, Path path, @Nullable Node node, @Nullable Path gone) {
      this(parent, path, node, gone, null);
    }
  }

  private sealed interface Change {
    record Write(long offset, @SuppressWarnings("ArrayRecordComponent") byte[] bytes)
        implements Change {}

    record Truncate(long size) implements Change {}
  }

  /** Pages are never changed in place, so that copies share them. */
  private static final class Content {
    private static final byte[] ZEROS = new byte[PAGE];

    private byte[][] pages = new byte[8][];
    private long size;

    Content copy() {
      var copy = new Content();
      copy.pages = pages.clone();
      copy.size = size;
      return copy;
    }

    void write(long offset, byte[] bytes, int from, int to) {
      long at = offset + from;
      int done = from;
      while (done < to) {
        int page = (int) (at / PAGE);
        int within = (int) (at % PAGE);
        int count = Math.min(PAGE - within, to - done);
        if (page >= pages.length) {
          pages = Arrays.copyOf(pages, Math.max(page + 1, pages.length * 2));
        }
        pages[page] = changed(pages[page], within, bytes, done, count);
        at += count;
        done += count;
      }
      size = Math.max(size, at);
    }

    /** A page that was never written, or written with zeros alone, is null: most of a spare is. */
    private static byte @Nullable [] changed(
        byte @Nullable [] page, int within, byte[] bytes, int from, int count) {
      if (count == PAGE) {
        boolean isZero = Arrays.mismatch(bytes, from, from + PAGE, ZEROS, 0, PAGE) < 0;
        return isZero ? null : Arrays.copyOfRange(bytes, from, from + PAGE);
      }
      byte[] changed = page == null ? new byte[PAGE] : page.clone();
      System.arraycopy(bytes, from, changed, within, count);
      return changed;
    }

    void truncate(long to) {
      byte[] zeros = new byte[(int) Math.max(0, size - to)];
      long before = size;
      size = to;
      if (before > to) {
        write(to, zeros, 0, zeros.length);
        size = to;
      }
    }

    int read(ByteBuffer target, long offset) {
      int count = (int) Math.min(target.remaining(), size - offset);
      for (int done = 0; done < count; ) {
        int page = (int) ((offset + done) / PAGE);
        int within = (int) ((offset + done) % PAGE);
        int some = Math.min(PAGE - within, count - done);
        byte[] bytes = page < pages.length ? pages[page] : null;
        target.put(bytes == null ? new byte[some] : bytes, bytes == null ? 0 : within, some);
        done += some;
      }
      return count <= 0 ? -1 : count;
    }
  }

  private static final class Node {
    private final boolean directory;
    private final long inode;
    private Content durable = new Content();
    private Content visible = new Content();
    private List<Change> pending = new ArrayList<>();
    private Instant modified = Instant.EPOCH;

    Node(boolean directory, long inode) {
      this.directory = directory;
      this.inode = inode;
    }

    Node copy() {
      var copy = new Node(directory, inode);
      copy.durable = durable.copy();
      copy.visible = visible.copy();
      copy.pending = new ArrayList<>(pending);
      copy.modified = modified;
      return copy;
    }

    void apply(Change change, Content content) {
      switch (change) {
        case Change.Write(long offset, byte[] bytes) ->
            content.write(offset, bytes, 0, bytes.length);
        case Change.Truncate(long size) -> content.truncate(size);
      }
    }

    void force() {
      durable = visible.copy();
      pending.clear();
    }

    void cut(Chance chance, RandomGenerator random) {
      for (Change change : pending) {
        switch (chance.next()) {
          case KEPT -> apply(change, durable);
          case DROPPED -> {}
          case TORN -> tear(change, random);
        }
      }
      pending.clear();
      visible = durable.copy();
    }

    private void tear(Change change, RandomGenerator random) {
      if (change instanceof Change.Write(long offset, byte[] bytes)) {
        for (int at = 0; at < bytes.length; at += SECTOR) {
          if (random.nextBoolean()) {
            durable.write(offset, bytes, at, Math.min(bytes.length, at + SECTOR));
          }
        }
      }
    }
  }

  /** A disk with one empty, durable directory. */
  public SimulatedDisk(Path root) {
    var node = new Node(true, inodes++);
    durableNames.put(root, node);
    names.put(root, node);
  }

  private SimulatedDisk() {}

  /** Sets what hears of every operation just before it happens. It may copy this disk. */
  public void onOperation(Runnable listener) {
    onOperation = listener;
  }

  /** How many operations there were. */
  public int operations() {
    return operations;
  }

  /** Lets the force with this number fail, counted from 0. */
  public void failForce(int number) {
    failingForces.add(number);
  }

  /** How many forces there were, of files and of directories. */
  public int forces() {
    return forces;
  }

  /** This disk after the process was killed. */
  public SimulatedDisk afterKill() {
    var copy = new SimulatedDisk();
    var nodes = new IdentityHashMap<Node, Node>();
    durableNames.forEach((path, node) -> copy.durableNames.put(path, copied(nodes, node)));
    names.forEach((path, node) -> copy.names.put(path, copied(nodes, node)));
    for (NameChange change : pendingNames) {
      copy.pendingNames.add(
          new NameChange(
              change.parent,
              change.path,
              change.node == null ? null : copied(nodes, change.node),
              change.gone,
              change.swapped == null ? null : copied(nodes, change.swapped)));
    }
    copy.inodes = inodes;
    return copy;
  }

  private static Node copied(Map<Node, Node> nodes, Node node) {
    return nodes.computeIfAbsent(node, Node::copy);
  }

  /** This disk after a power cut. */
  public SimulatedDisk afterPowerCut(Chance chance, RandomGenerator random) {
    SimulatedDisk copy = afterKill();
    for (NameChange change : copy.pendingNames) {
      if (chance.next() == Fate.KEPT) {
        copy.apply(change, copy.durableNames);
      }
    }
    copy.pendingNames.clear();
    copy.names.clear();
    copy.names.putAll(copy.durableNames);
    // Paths below a directory that is not there any more cannot be reached.
    copy.names.keySet().removeIf(path -> !copy.isReachable(path));
    copy.durableNames.keySet().retainAll(copy.names.keySet());
    var seen = new IdentityHashMap<Node, Boolean>();
    for (Node node : copy.names.values()) {
      if (seen.put(node, true) == null) {
        node.cut(chance, random);
      }
    }
    return copy;
  }

  private boolean isReachable(Path path) {
    Path parent = path.getParent();
    while (parent != null
        && !parent.equals(parent.getRoot())
        && names.firstKey().compareTo(parent) <= 0) {
      if (!names.containsKey(parent) && parent.startsWith(names.firstKey())) {
        return false;
      }
      parent = parent.getParent();
    }
    return true;
  }

  /** How many writes and names are not forced. */
  public int unforced() {
    int count = pendingNames.size();
    var seen = new IdentityHashMap<Node, Boolean>();
    for (Node node : names.values()) {
      if (seen.put(node, true) == null) {
        count += node.pending.size();
      }
    }
    return count;
  }

  /** All files, sorted. */
  public List<Path> files() {
    return names.entrySet().stream()
        .filter(entry -> !entry.getValue().directory)
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Changes a file at rest, durably, as a failing disk or a person would. */
  public void tamper(Path file, java.util.function.UnaryOperator<byte[]> change) {
    Node node = file(file);
    byte[] changed = change.apply(content(file));
    node.visible = new Content();
    node.visible.write(0, changed, 0, changed.length);
    node.force();
  }

  /** What a file holds. */
  public byte[] content(Path file) {
    Node node = file(file);
    ByteBuffer bytes = ByteBuffer.allocate((int) node.visible.size);
    node.visible.read(bytes, 0);
    return bytes.array();
  }

  /** Removes a file at rest, durably. */
  public void lose(Path file) {
    names.remove(file);
    durableNames.remove(file);
  }

  private Node file(Path file) {
    Node node = names.get(file);
    if (node == null || node.directory) {
      throw new IllegalArgumentException(file + " is no file here");
    }
    return node;
  }

  private void operation() {
    onOperation.run();
    operations++;
  }

  private void change(NameChange change) {
    pendingNames.add(change);
    apply(change, names);
  }

  private void apply(NameChange change, Map<Path, Node> table) {
    if (change.swapped != null && change.gone != null) {
      table.put(change.gone, change.swapped);
    } else if (change.gone != null) {
      table.remove(change.gone);
    }
    if (change.node == null) {
      table.remove(change.path);
    } else {
      table.put(change.path, change.node);
    }
  }

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    Node node = names.get(file);
    if (access == Access.CREATE) {
      if (node != null) {
        throw new FileAlreadyExistsException(file.toString());
      }
      requireDirectory(Disk.parent(file));
      operation();
      node = new Node(false, inodes++);
      change(new NameChange(Disk.parent(file), file, node, null));
    }
    if (node == null || node.directory) {
      throw new FileNotFoundException(file.toString());
    }
    return new Opened(node);
  }

  private void requireDirectory(Path directory) throws IOException {
    Node node = names.get(directory);
    if (node == null || !node.directory) {
      throw new FileNotFoundException(directory.toString());
    }
  }

  @Override
  public List<String> list(Path directory) {
    var found = new TreeSet<String>();
    for (Path path : names.tailMap(directory, false).keySet()) {
      if (!path.startsWith(directory)) {
        break;
      }
      if (directory.equals(path.getParent())) {
        found.add(String.valueOf(path.getFileName()));
      }
    }
    return List.copyOf(found);
  }

  @Override
  public Kind kind(Path path) {
    Node node = names.get(path);
    if (node == null) {
      return Kind.MISSING;
    }
    return node.directory ? Kind.DIRECTORY : Kind.FILE;
  }

  @Override
  public void createDirectory(Path directory) throws IOException {
    if (names.containsKey(directory)) {
      return;
    }
    requireDirectory(Disk.parent(directory));
    operation();
    Path parent = Disk.parent(directory);
    change(new NameChange(parent, directory, new Node(true, inodes++), null));
    forceDirectory(Disk.parent(directory));
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    Node node = names.get(from);
    if (node == null) {
      throw new FileNotFoundException(from.toString());
    }
    requireDirectory(Disk.parent(to));
    operation();
    change(new NameChange(Disk.parent(to), to, node, from));
  }

  @Override
  public boolean exchange(Path one, Path other) throws IOException {
    Node first = names.get(one);
    Node second = names.get(other);
    if (first == null || second == null) {
      throw new FileNotFoundException(one + " or " + other);
    }
    operation();
    change(new NameChange(Disk.parent(other), other, first, one, second));
    return true;
  }

  @Override
  public boolean delete(Path path) {
    if (!names.containsKey(path)) {
      return false;
    }
    operation();
    change(new NameChange(Disk.parent(path), path, null, null));
    return true;
  }

  @Override
  public void forceDirectory(Path directory) throws IOException {
    requireDirectory(directory);
    operation();
    failIfDue();
    for (NameChange change : List.copyOf(pendingNames)) {
      if (change.parent.equals(directory)) {
        apply(change, durableNames);
        pendingNames.remove(change);
      }
    }
  }

  private void failIfDue() throws IOException {
    if (failingForces.contains(forces++)) {
      throw new IOException("Input/output error");
    }
  }

  @Override
  public Instant modified(Path path) {
    return file(path).modified;
  }

  @Override
  public void forceFileSystem(Path directory) throws IOException {
    requireDirectory(directory);
    operation();
    failIfDue();
    for (NameChange change : pendingNames) {
      apply(change, durableNames);
    }
    pendingNames.clear();
    for (Node node : names.values()) {
      for (Change change : node.pending) {
        node.apply(change, node.durable);
      }
      node.pending.clear();
    }
  }

  @Override
  public long usableBytes(Path path) {
    return Long.MAX_VALUE;
  }

  @Override
  public long inode(Path path) {
    return file(path).inode;
  }

  private final class Opened implements DiskFile {
    private final Node node;

    Opened(Node node) {
      this.node = node;
    }

    @Override
    public int read(ByteBuffer target, long offset) {
      return node.visible.read(target, offset);
    }

    @Override
    public void write(ByteBuffer source, long offset) {
      operation();
      byte[] bytes = new byte[source.remaining()];
      source.get(bytes);
      var write = new Change.Write(offset, bytes);
      node.pending.add(write);
      node.apply(write, node.visible);
    }

    @Override
    public void force() throws IOException {
      operation();
      try {
        failIfDue();
      } catch (IOException e) {
        // The pages are marked clean although they never reached the disk.
        node.pending.clear();
        throw e;
      }
      // Only what is pending becomes durable: what a failed force has given up stays lost.
      for (Change change : node.pending) {
        node.apply(change, node.durable);
      }
      node.pending.clear();
    }

    @Override
    public void modified(Instant time) {
      node.modified = time;
    }

    @Override
    public long size() {
      return node.visible.size;
    }

    @Override
    public void truncate(long size) {
      operation();
      var truncate = new Change.Truncate(size);
      node.pending.add(truncate);
      node.apply(truncate, node.visible);
    }

    @Override
    public void close() {}
  }
}
