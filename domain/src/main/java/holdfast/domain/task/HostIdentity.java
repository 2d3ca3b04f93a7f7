package holdfast.domain.task;

/**
 * The machine, boot and pid namespace in which a pid means something.
 *
 * @param machineId of {@code /etc/machine-id}, or a stand-in made at first start
 * @param bootId of {@code /proc/sys/kernel/random/boot_id}; differs after every reboot
 * @param pidNamespace inode of {@code /proc/self/ns/pid}, with a mark behind it if the server was
 *     its first process, so that it ends with the server
 */
public record HostIdentity(String machineId, String bootId, String pidNamespace) {}
