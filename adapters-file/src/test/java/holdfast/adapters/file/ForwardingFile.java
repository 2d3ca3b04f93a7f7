package holdfast.adapters.file;

import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;

/** A file that passes everything on; what misbehaves overrides a method. */
public class ForwardingFile implements DiskFile {
  private final DiskFile file;

  public ForwardingFile(DiskFile file) {
    this.file = file;
  }

  @Override
  public int read(ByteBuffer target, long offset) throws IOException {
    return file.read(target, offset);
  }

  @Override
  public void write(ByteBuffer source, long offset) throws IOException {
    file.write(source, offset);
  }

  @Override
  public void force() throws IOException {
    file.force();
  }

  @Override
  public void modified(Instant time) throws IOException {
    file.modified(time);
  }

  @Override
  public long size() throws IOException {
    return file.size();
  }

  @Override
  public void truncate(long size) throws IOException {
    file.truncate(size);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
