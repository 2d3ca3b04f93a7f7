package holdfast.adapters.file.json;

import java.nio.charset.StandardCharsets;

/**
 * The names of members in the journal's payloads, quoted once: a writer copies these bytes, a
 * reader compares them. What a name means is said where it is written.
 */
enum Member {
  ACTION("action"),
  ACTOR("actor"),
  AT("at"),
  ATTEMPT("attempt"),
  ATTEMPTS("attempts"),
  AUTOMATIC("automatic"),
  BACKOFF_NANOS("backoffNanos"),
  BODY_SHA256("bodySha256"),
  BOOT_ID("bootId"),
  BY("by"),
  BYTES("bytes"),
  CAUSE("cause"),
  CERTAIN("certain"),
  CODE("code"),
  COMMAND("command"),
  CONFLICT("conflict"),
  COOKIE("cookie"),
  CREATED_AT("createdAt"),
  CWD("cwd"),
  DECISION("decision"),
  DIGEST("digest"),
  ENDED_AT("endedAt"),
  ENTITY("entity"),
  ENV("env"),
  EXPIRES_AT("expiresAt"),
  FROM("from"),
  GRACE_NANOS("graceNanos"),
  HELD("held"),
  HOST("host"),
  ID("id"),
  INITIATIVE("initiative"),
  INSTANCE_ID("instanceId"),
  KEY("key"),
  KIND("kind"),
  LABELS("labels"),
  MACHINE_ID("machineId"),
  MAX_ATTEMPTS("maxAttempts"),
  MAX_BACKOFF_NANOS("maxBackoffNanos"),
  NAME("name"),
  NEXT("next"),
  NUMBER("number"),
  OBJECTIVE("objective"),
  ON_LOST("onLost"),
  OUTCOME("outcome"),
  OUTPUT("output"),
  OUTPUT_BYTES("outputBytes"),
  OWNER("owner"),
  PID("pid"),
  PID_NAMESPACE("pidNamespace"),
  PRIORITY("priority"),
  PROCESS("process"),
  REASON("reason"),
  RECOVERIES("recoveries"),
  RERUNS("reruns"),
  RETRIES("retries"),
  RETRY("retry"),
  REVISION("revision"),
  RUN("run"),
  SEALS("seals"),
  SEQ("seq"),
  SIGNAL("signal"),
  SINCE("since"),
  SPEC("spec"),
  STARTED_AT("startedAt"),
  START_TICKS("startTicks"),
  STATE("state"),
  STATE_REASON("stateReason"),
  STDIN("stdin"),
  STOPPING("stopping"),
  STOP_GRACE_NANOS("stopGraceNanos"),
  TERM("term"),
  TIMEOUT_NANOS("timeoutNanos"),
  TITLE("title"),
  TYPE("type"),
  UNTIL("until"),
  UPDATED_AT("updatedAt");

  private final String text;

  // An array, for bulk copies; nobody changes it.
  @SuppressWarnings("ImmutableEnumChecker")
  private final byte[] quoted;

  Member(String text) {
    this.text = text;
    quoted = ('"' + text + "\":").getBytes(StandardCharsets.US_ASCII);
  }

  /** The name with its quotes and the colon behind it. Not to be changed. */
  byte[] quoted() {
    return quoted;
  }

  @Override
  public String toString() {
    return text;
  }
}
