package holdfast.adapters.file.checksum;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** A SHA-256. Immutable. */
public final class Digest {
  public static final int BYTES = 32;

  /** Of nothing that exists: what stands where there is nothing to name. */
  public static final Digest NONE = new Digest(new byte[BYTES]);

  private final byte[] bytes;

  private Digest(byte[] bytes) {
    this.bytes = bytes;
  }

  /** The digest of {@code length} bytes of an array. */
  public static Digest of(byte[] bytes, int offset, int length) {
    return of(ByteBuffer.wrap(bytes), offset, length);
  }

  /** The digest of {@code length} bytes of a buffer. */
  public static Digest of(ByteBuffer buffer, int offset, int length) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update(buffer.slice(offset, length));
      return new Digest(sha.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /** The digest that stands in a buffer. */
  public static Digest read(ByteBuffer buffer, int offset) {
    byte[] bytes = new byte[BYTES];
    buffer.get(offset, bytes);
    return new Digest(bytes);
  }

  public void write(ByteBuffer buffer, int offset) {
    buffer.put(offset, bytes);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Digest digest && Arrays.equals(bytes, digest.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes);
  }
}
