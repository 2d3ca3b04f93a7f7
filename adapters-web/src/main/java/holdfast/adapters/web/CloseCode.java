package holdfast.adapters.web;

import io.helidon.websocket.WsCloseCodes;

/** Why a WebSocket is closed, as far as this server says so. */
enum CloseCode {
  NORMAL(WsCloseCodes.NORMAL_CLOSE),
  GOING_AWAY(WsCloseCodes.GOING_AWAY),
  PROTOCOL_ERROR(WsCloseCodes.PROTOCOL_ERROR),
  NOT_TEXT(WsCloseCodes.NOT_CONSISTENT),
  TOO_BIG(WsCloseCodes.TOO_BIG),
  INTERNAL(WsCloseCodes.UNEXPECTED_CONDITION),
  RESTARTING(WsCloseCodes.SERVICE_RESTART),
  BAD_MESSAGE(4400),
  WRONG_PROTOCOL(4406),
  SILENT(4408),
  TOO_SLOW(4429);

  private final int number;

  CloseCode(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
