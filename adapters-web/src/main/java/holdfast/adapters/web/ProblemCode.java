package holdfast.adapters.web;

/** Every kind of refusal the API knows. The code is part of the contract; titles are for people. */
enum ProblemCode {
  MALFORMED(400, "malformed", "The request cannot be read"),
  INVALID(400, "invalid", "The request breaks a rule"),
  UNAUTHORIZED(401, "unauthorized", "A valid token is required"),
  WRONG_HOST(403, "wrong-host", "The Host header is not one of this server's names"),
  WRONG_ORIGIN(403, "wrong-origin", "Requests from this origin are refused"),
  FORBIDDEN(403, "forbidden", "The token does not reach this"),
  NOT_FOUND(404, "not-found", "There is nothing here"),
  METHOD_NOT_ALLOWED(405, "method-not-allowed", "The method is not possible here"),
  NOT_ACCEPTABLE(406, "not-acceptable", "No representation satisfies Accept"),
  TIMEOUT(408, "timeout", "The request took too long to arrive"),
  WRONG_STATE(409, "wrong-state", "The state does not allow this"),
  IN_USE(409, "in-use", "Something still depends on it"),
  INPUT_CLOSED(409, "input-closed", "The task reads no input"),
  TASKS_ACTIVE(409, "tasks-active", "Tasks are active that would be forgotten"),
  COPY_NOT_ACCEPTED(409, "copy-not-accepted", "The data directory is a copy"),
  PURGED(410, "purged", "It has been purged"),
  STALE(412, "stale", "The entity has changed in the meantime"),
  TOO_LARGE(413, "too-large", "The request is too large"),
  URI_TOO_LONG(414, "uri-too-long", "The request line is too long"),
  UNSUPPORTED_MEDIA_TYPE(415, "unsupported-media-type", "The body must be application/json"),
  RANGE_NOT_SATISFIABLE(416, "range-not-satisfiable", "The range lies behind the end"),
  IMPOSSIBLE(422, "impossible", "Understood, but impossible"),
  UPGRADE_REQUIRED(426, "upgrade-required", "A WebSocket upgrade is required"),
  PRECONDITION_REQUIRED(428, "precondition-required", "If-Match is required"),
  TOO_MANY_REQUESTS(429, "too-many-requests", "Too many requests"),
  HEADERS_TOO_LARGE(431, "headers-too-large", "The request headers are too large"),
  INTERNAL(500, "internal", "The server failed"),
  NOT_IMPLEMENTED(501, "not-implemented", "The request's transfer coding is not supported"),
  STARTING(503, "starting", "The server is still recovering"),
  STOPPING(503, "stopping", "The server is going away"),
  BUSY(503, "busy", "The server is busy"),
  STORAGE_CLOSED(503, "storage-closed", "The storage takes no changes"),
  DURABILITY_UNKNOWN(503, "durability-unknown", "Whether it is durable is not known"),
  INPUT_FULL(503, "input-full", "The task does not read its input"),
  HTTP_VERSION(505, "http-version", "Only HTTP/1.1 is spoken here"),
  DISK_FULL(507, "disk-full", "The disk is full");

  private final int status;
  private final String code;
  private final String title;

  ProblemCode(int status, String code, String title) {
    this.status = status;
    this.code = code;
    this.title = title;
  }

  int status() {
    return status;
  }

  String code() {
    return code;
  }

  String title() {
    return title;
  }
}
