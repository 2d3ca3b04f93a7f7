package holdfast.application;

/** Keeps others out until it is closed. Closed by the thread that got it. */
final class Hold implements AutoCloseable {
  private final Runnable release;

  Hold(Runnable release) {
    this.release = release;
  }

  @Override
  public void close() {
    release.run();
  }
}
