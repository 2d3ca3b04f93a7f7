package holdfast.domain.port;

import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Outputs for tests, which play the part of the commands with {@link #write}, and of a failing disk
 * with {@link #damageRaw} and {@link #damageCopy}.
 */
public final class InMemoryOutputStorage implements OutputStorage {
  private static final int PART = 16 * OutputSeal.CHUNK;

  private final Map<Output, ByteArrayOutputStream> raws = new HashMap<>();
  private final Map<Output, byte[]> copies = new HashMap<>();
  private final Set<Output> packed = ConcurrentHashMap.newKeySet();
  private final Set<Output> unreadable = ConcurrentHashMap.newKeySet();
  private boolean failing;
  private Consumer<Mended> listener = _ -> {};

  /** Appends to a stream, as a command would. */
  public synchronized void write(RunRef run, OutputStreamName stream, byte[] bytes) {
    raws.computeIfAbsent(new Output(run, stream), _ -> new ByteArrayOutputStream())
        .writeBytes(bytes);
  }

  /** Whether copies cannot be written from now on. */
  public synchronized void fail(boolean fails) {
    failing = fails;
  }

  @Override
  public synchronized void listener(Consumer<Mended> heard) {
    listener = heard;
  }

  /** Turns over a bit of what the command wrote. */
  public synchronized void damageRaw(Output output, int offset) {
    byte[] bytes = raw(output);
    bytes[offset] ^= 1;
    replaceRaw(output, bytes);
  }

  /** From now on both files of this output are beyond reading. */
  public void makeUnreadable(Output output) {
    unreadable.add(output);
  }

  /** Turns over a bit of the copy. */
  public synchronized void damageCopy(Output output, int offset) {
    byte[] copy = copy(output);
    copy[offset] ^= 1;
  }

  /** Removes what the command wrote. */
  public synchronized void loseRaw(Output output) {
    raws.remove(output);
  }

  /** Bytes that are in the copy. */
  public synchronized int copied(Output output) {
    return copy(output).length;
  }

  private void replaceRaw(Output output, byte[] bytes) {
    var replaced = new ByteArrayOutputStream();
    replaced.writeBytes(bytes);
    raws.put(output, replaced);
  }

  private synchronized byte[] raw(Output output) {
    ByteArrayOutputStream stream = raws.get(output);
    return stream == null ? new byte[0] : stream.toByteArray();
  }

  private synchronized byte[] copy(Output output) {
    return copies.getOrDefault(output, new byte[0]);
  }

  @Override
  public Reader open(Output output, @Nullable OutputSeal seal) {
    return new Reader() {
      @Override
      public long length() {
        return Math.max(raw(output).length, seal == null ? 0 : seal.bytes());
      }

      @Override
      public int read(long offset, ByteBuffer target) {
        if (unreadable.contains(output)) {
          throw new StorageException(output + " is damaged in both files");
        }
        if (seal != null) {
          check(output, seal, 0).mended().forEach(listener);
        }
        byte[] all = raw(output);
        int count = Math.clamp(all.length - offset, 0, target.remaining());
        if (count > 0) {
          target.put(all, (int) offset, count);
        }
        return count;
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public synchronized Copied copy(Output output, boolean all) {
    if (failing) {
      throw new StorageException("the disk of copies is full");
    }
    byte[] raw = raw(output);
    byte[] copy = copy(output);
    int end = all ? raw.length : raw.length / OutputSeal.CHUNK * OutputSeal.CHUNK;
    if (end > copy.length) {
      byte[] more = Arrays.copyOf(copy, end);
      System.arraycopy(raw, copy.length, more, copy.length, end - copy.length);
      copies.put(output, more);
    }
    return new Copied(copy(output).length, raw.length);
  }

  @Override
  public void force() {}

  @Override
  public void release(Output output) {}

  @Override
  public synchronized Map<Output, Sealing> seal(List<Output> outputs) {
    var results = new LinkedHashMap<Output, Sealing>();
    for (Output output : outputs) {
      if (failing) {
        results.put(output, new Sealing.Postponed("the disk of copies is full"));
        continue;
      }
      copy(output, true);
      byte[] copy = copy(output);
      boolean sound = Arrays.equals(raw(output), copy);
      if (!sound) {
        replaceRaw(output, copy);
      }
      List<Mended> mended =
          sound ? List.of() : List.of(new Mended(output.toString(), "damaged", "copy", null));
      results.put(output, new Sealing.Sealed(sealOf(copy), mended));
    }
    return results;
  }

  private static OutputSeal sealOf(byte[] bytes) {
    MessageDigest all = sha256();
    for (int at = 0; at < bytes.length; at += OutputSeal.CHUNK) {
      MessageDigest chunk = sha256();
      chunk.update(bytes, at, Math.min(OutputSeal.CHUNK, bytes.length - at));
      all.update(chunk.digest());
    }
    return new OutputSeal(bytes.length, HexFormat.of().formatHex(all.digest()));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public synchronized Checked check(Output output, OutputSeal seal, long from) {
    int bytes = (int) seal.bytes();
    byte[] raw = raw(output);
    boolean rawSound = raw.length >= bytes && sealOf(Arrays.copyOf(raw, bytes)).equals(seal);
    boolean copySound = sealOf(copy(output)).equals(seal);
    long next = from + PART < bytes ? from + PART : -1;
    if (rawSound && copySound) {
      return new Checked(next, 2L * bytes, raw.length > bytes, List.of());
    }
    String source = rawSound ? "raw" : copySound ? "copy" : null;
    if (rawSound) {
      copies.put(output, Arrays.copyOf(raw, bytes));
    } else if (copySound) {
      replaceRaw(output, copy(output));
    }
    return new Checked(
        next,
        2L * bytes,
        raw(output).length > bytes,
        List.of(new Mended(output.toString(), "damaged", source, null)));
  }

  /** Here a byte is a byte, however it is kept. */
  @Override
  public boolean pack(Output output, OutputSeal seal, BooleanSupplier isOver) {
    return isOver.getAsBoolean() && packed.add(output);
  }

  /** The streams that were to be packed. */
  public Set<Output> packed() {
    return Set.copyOf(packed);
  }

  @Override
  public synchronized void purge(TaskId task) {
    raws.keySet().removeIf(output -> output.run().task().equals(task));
    copies.keySet().removeIf(output -> output.run().task().equals(task));
  }
}
