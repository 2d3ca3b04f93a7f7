package holdfast.adapters.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import holdfast.domain.task.HostIdentity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** The machine, boot and pid namespace in which this server stands. */
record Host(HostIdentity identity) {
  private static final int ID_BYTES_MAX = 256;

  /**
   * Marks a pid namespace, a container's as a rule, whose first process is the server: the kernel
   * kills all others in it when that one ends. Numbers of namespaces are used again; that process
   * and its start are not.
   */
  static final String ENDS_WITH = ", ends with its first process, the server started at tick ";

  /**
   * Reads the machine's id, or makes one that is kept in {@code standIn}.
   *
   * @param standIn path of a file
   */
  static Host find(String standIn) {
    String machine = machine(standIn);
    return of(machine.isEmpty() ? makeId(standIn) : machine);
  }

  /** The same, but an id that is missing is not made: it is the empty one, which nothing bears. */
  static Host look(String standIn) {
    return of(machine(standIn));
  }

  private static String machine(String standIn) {
    String machine = text("/etc/machine-id");
    if (machine == null || machine.isEmpty()) {
      machine = text(standIn);
    }
    return machine == null ? "" : machine;
  }

  private static Host of(String machine) {
    String boot = text("/proc/sys/kernel/random/boot_id");
    if (boot == null) {
      throw new SystemCallException("read the boot id in /proc", Errno.ENOENT.number());
    }
    String namespace = link("/proc/self/ns/pid") + (isFirstProcess() ? ENDS_WITH + ownStart() : "");
    return new Host(new HostIdentity(machine, boot, namespace));
  }

  /** Whether this is the first process of its pid namespace, to which orphans fall. */
  static boolean isFirstProcess() {
    return ProcessHandle.current().pid() == 1;
  }

  private static long ownStart() {
    ProcTable.Entry self = ProcTable.find(ProcessHandle.current().pid());
    return self == null ? 0 : self.startTicks();
  }

  /**
   * Whether {@code other} was a pid namespace of this machine that has ended: its first process was
   * the server that had the data directory before this one. Nothing of it lives.
   */
  boolean hasOutlived(HostIdentity other) {
    return identity.machineId().equals(other.machineId())
        && other.pidNamespace().contains(ENDS_WITH)
        && !shares(other);
  }

  /** Whether a pid that was valid on {@code other} means something here. */
  boolean shares(HostIdentity other) {
    return identity.machineId().equals(other.machineId())
        && identity.pidNamespace().equals(other.pidNamespace());
  }

  String bootId() {
    return identity.bootId();
  }

  /** Seconds since boot, as the kernel counts them. */
  static double uptimeSeconds() {
    String uptime = text("/proc/uptime");
    if (uptime == null) {
      throw new SystemCallException("read /proc/uptime", Errno.ENOENT.number());
    }
    return Double.parseDouble(uptime.substring(0, uptime.indexOf(' ')));
  }

  private static String makeId(String path) {
    var random = new byte[16];
    new SecureRandom().nextBytes(random);
    String id = HexFormat.of().formatHex(random);
    int slash = path.lastIndexOf('/');
    Directory.make(path.substring(0, slash));
    try (Directory directory = Directory.open(path.substring(0, slash))) {
      byte[] content = (id + "\n").getBytes(StandardCharsets.US_ASCII);
      directory.publish(path.substring(slash + 1), content, 0600);
    }
    return id;
  }

  /** The stripped text of a small file, or null if it cannot be opened. */
  static @Nullable String text(String path) {
    int fd = Kernel.open(Kernel.AT_FDCWD, path, Kernel.O_RDONLY, 0);
    if (fd < 0) {
      return null;
    }
    try {
      return new String(
              Kernel.readToEnd(fd, ID_BYTES_MAX, "read " + path), StandardCharsets.US_ASCII)
          .strip();
    } finally {
      Kernel.close(fd);
    }
  }

  /** What a symbolic link says. */
  private static String link(String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(ID_BYTES_MAX);
      long length =
          Kernel.check(
              Kernel.call(
                  Kernel.Call.READLINKAT,
                  Kernel.AT_FDCWD,
                  arena.allocateFrom(path).address(),
                  target.address(),
                  ID_BYTES_MAX,
                  0),
              "read the link " + path);
      return new String(target.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.US_ASCII);
    }
  }
}
