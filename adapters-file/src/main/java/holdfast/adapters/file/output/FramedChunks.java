package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A file of {@linkplain Frame frames}. */
final class FramedChunks implements Chunks {
  private final DiskFile file;
  private final OutputSeal seal;
  private final List<List<Frame>> frames = new ArrayList<>();
  private final boolean wellFormed;
  private final boolean named;
  private final int longest;
  private byte @Nullable [] piece;

  FramedChunks(DiskFile file, String name, OutputSeal seal) throws IOException {
    this.file = file;
    this.seal = seal;
    for (int i = 0; i < seal.chunks(); i++) {
      frames.add(new ArrayList<>());
    }
    CopyScan scan = CopyScan.of(file, name);
    int most = 0;
    for (Frame frame : scan.frames()) {
      if (frame.offset() < seal.bytes()) {
        frames.get(frame.chunk()).add(frame);
        most = Math.max(most, frame.bytes());
      }
    }
    longest = most;
    named = scan.named();
    wellFormed =
        scan.named()
            && scan.sound() == frames.size()
            && scan.frames().size() == frames.size()
            && scan.frames().stream().allMatch(frame -> frame.isChunkOf(seal.bytes()))
            && scan.end() == file.size();
  }

  @Override
  public boolean read(int number, byte[] target) {
    // More than was sealed may be in it already, if it was being sealed anew.
    long begin = (long) number * OutputSeal.CHUNK;
    int length = Chunks.length(seal, number);
    int filled = 0;
    if (piece == null) {
      piece = new byte[longest];
    }
    for (Frame frame : frames.get(number)) {
      if (filled < length && frame.offset() == begin + filled && frame.read(file, piece, 0)) {
        int bytes = Math.min(frame.bytes(), length - filled);
        System.arraycopy(piece, 0, target, filled, bytes);
        filled += bytes;
      }
    }
    return filled == length;
  }

  @Override
  public @Nullable Sum stated(int number) {
    List<Frame> of = frames.get(number);
    return of.size() == 1 && of.getFirst().isChunkOf(seal.bytes())
        ? new Sum(of.getFirst().sha256(), of.getFirst().crc())
        : null;
  }

  /** Whether the file says that it is this stream's. */
  boolean isNamed() {
    return named;
  }

  @Override
  public boolean isWellFormed() {
    return wellFormed;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
