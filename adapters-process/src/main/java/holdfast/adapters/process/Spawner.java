package holdfast.adapters.process;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/**
 * Starts a process by {@code posix_spawn}: in a session of its own, with default signals, none of
 * them blocked, and with no descriptor of ours but those it is given. The JVM marks most of its
 * descriptors close-on-exec, but not all, so all others are closed in the child.
 *
 * <p>Any thread; spawns are made one at a time.
 */
@SuppressWarnings("restricted") // calling C is what this class is for
final class Spawner {
  private static final short SETSIGDEF = 0x04;
  private static final short SETSIGMASK = 0x08;
  private static final short SETSID = 0x80;

  /** Larger than the C library's opaque structures on any processor. */
  private static final int STRUCTURE_BYTES = 1_024;

  private static final int SIGNAL_SET_BYTES = 128;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int FIRST_SPARE = 64;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final SymbolLookup LIBRARY = LINKER.defaultLookup();

  private static final MethodHandle ACTIONS_INIT = function("posix_spawn_file_actions_init");
  private static final MethodHandle ACTIONS_DESTROY = function("posix_spawn_file_actions_destroy");
  private static final MethodHandle ATTRIBUTES_INIT = function("posix_spawnattr_init");
  private static final MethodHandle ATTRIBUTES_DESTROY = function("posix_spawnattr_destroy");
  private static final MethodHandle ADD_OPEN =
      function("posix_spawn_file_actions_addopen", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle ADD_DUP2 =
      function("posix_spawn_file_actions_adddup2", JAVA_INT, JAVA_INT);
  private static final MethodHandle ADD_CLOSE_FROM =
      function("posix_spawn_file_actions_addclosefrom_np", JAVA_INT);
  private static final MethodHandle SET_FLAGS = function("posix_spawnattr_setflags", JAVA_SHORT);
  private static final MethodHandle SET_DEFAULTS =
      function("posix_spawnattr_setsigdefault", ADDRESS);
  private static final MethodHandle SET_MASK = function("posix_spawnattr_setsigmask", ADDRESS);
  private static final MethodHandle SPAWN =
      function("posix_spawn", ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);

  private static final Object ONE_AT_A_TIME = new Object();

  private Spawner() {}

  /** Why processes cannot be spawned with this C library, as a sentence, or an empty string. */
  static String obstacle() {
    Optional<MemorySegment> newest = LIBRARY.find("posix_spawn_file_actions_addclosefrom_np");
    return newest.isPresent()
        ? ""
        : "the C library lacks posix_spawn_file_actions_addclosefrom_np: glibc 2.34 or newer is"
            + " needed";
  }

  /** A C function that takes a pointer first and returns an error number. */
  private static MethodHandle function(String name, ValueLayout... further) {
    var arguments = new ValueLayout[further.length + 1];
    arguments[0] = ADDRESS;
    System.arraycopy(further, 0, arguments, 1, further.length);
    return LINKER.downcallHandle(
        LIBRARY.find(name).orElse(MemorySegment.NULL.reinterpret(0)),
        FunctionDescriptor.of(JAVA_INT, arguments));
  }

  /**
   * Starts {@code argv} with exactly {@code environment}. Standard input and output are {@code
   * /dev/null}, standard error goes to the end of {@code errors}, and {@code inherited} becomes
   * descriptor 3.
   *
   * @return the process id of the child, which must be waited for
   * @throws SystemCallException if it could not be started; then nothing was
   */
  static int spawn(List<String> argv, List<String> environment, int inherited, String errors) {
    int spare =
        (int)
            Kernel.check(
                Kernel.call(Kernel.Call.FCNTL, inherited, F_DUPFD_CLOEXEC, FIRST_SPARE),
                "duplicate a descriptor");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment actions = arena.allocate(STRUCTURE_BYTES, 16);
      MemorySegment attributes = arena.allocate(STRUCTURE_BYTES, 16);
      MemorySegment pid = arena.allocate(JAVA_INT);
      MemorySegment program = arena.allocateFrom(argv.getFirst());
      MemorySegment arguments = strings(arena, argv);
      MemorySegment variables = strings(arena, environment);
      MemorySegment nowhere = arena.allocateFrom("/dev/null");
      MemorySegment errorFile = arena.allocateFrom(errors);
      MemorySegment allSignals = arena.allocate(SIGNAL_SET_BYTES, 8).fill((byte) 0xff);
      MemorySegment noSignals = arena.allocate(SIGNAL_SET_BYTES, 8);
      check((int) ACTIONS_INIT.invokeExact(actions));
      check((int) ATTRIBUTES_INIT.invokeExact(attributes));
      check((int) ADD_OPEN.invokeExact(actions, 0, nowhere, Kernel.O_RDONLY, 0));
      check((int) ADD_OPEN.invokeExact(actions, 1, nowhere, Kernel.O_WRONLY, 0));
      int appending = Kernel.O_WRONLY | Kernel.O_APPEND | Kernel.O_NOFOLLOW;
      check((int) ADD_OPEN.invokeExact(actions, 2, errorFile, appending, 0));
      check((int) ADD_DUP2.invokeExact(actions, spare, 3));
      check((int) ADD_CLOSE_FROM.invokeExact(actions, 4));
      short flags = (short) (SETSID | SETSIGDEF | SETSIGMASK);
      check((int) SET_FLAGS.invokeExact(attributes, flags));
      check((int) SET_DEFAULTS.invokeExact(attributes, allSignals));
      check((int) SET_MASK.invokeExact(attributes, noSignals));
      try {
        synchronized (ONE_AT_A_TIME) {
          check((int) SPAWN.invokeExact(pid, program, actions, attributes, arguments, variables));
        }
      } finally {
        check((int) ACTIONS_DESTROY.invokeExact(actions));
        check((int) ATTRIBUTES_DESTROY.invokeExact(attributes));
      }
      return pid.get(JAVA_INT, 0);
    } catch (RuntimeException | Error thrown) {
      throw thrown;
    } catch (Throwable impossible) {
      throw new AssertionError("a downcall handle throws nothing checked", impossible);
    } finally {
      Kernel.close(spare);
    }
  }

  private static void check(int error) {
    if (error != 0) {
      throw new SystemCallException("spawn the monitor", error);
    }
  }

  private static MemorySegment strings(Arena arena, List<String> texts) {
    MemorySegment array = arena.allocate(ADDRESS, texts.size() + 1L);
    for (int i = 0; i < texts.size(); i++) {
      byte[] bytes = texts.get(i).getBytes(java.nio.charset.StandardCharsets.UTF_8);
      MemorySegment text = arena.allocate(bytes.length + 1L);
      MemorySegment.copy(bytes, 0, text, JAVA_BYTE, 0, bytes.length);
      array.setAtIndex(ADDRESS, i, text);
    }
    return array;
  }
}
