package holdfast.adapters.web;

/** Why a WebSocket is closed, as far as this server says so. */
enum CloseCode {
  NORMAL(1000),
  GOING_AWAY(1001),
  PROTOCOL_ERROR(1002),
  NOT_TEXT(1007),
  TOO_BIG(1009),
  RESTARTING(1012),
  BAD_MESSAGE(4400),
  WRONG_PROTOCOL(4406),
  TOO_SLOW(4429);

  private final int number;

  CloseCode(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
