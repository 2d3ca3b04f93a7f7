package holdfast.adapters.file.log;

/** The lines in a piece of a file. */
record Lines(@SuppressWarnings("ArrayRecordComponent") byte[] bytes, int from, int to) {

  /** Takes a line without its newline. */
  @FunctionalInterface
  interface Taker {
    void take(byte[] bytes, int from, int to);
  }

  /** All of them, the last one also without a newline; empty ones are passed over. */
  void forEach(Taker taker) {
    int begin = from;
    for (int i = from; i <= to; i++) {
      if (i == to || bytes[i] == '\n') {
        if (i > begin) {
          taker.take(bytes, begin, i);
        }
        begin = i + 1;
      }
    }
  }
}
