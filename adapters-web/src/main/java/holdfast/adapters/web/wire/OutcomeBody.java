package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbSubtype;
import jakarta.json.bind.annotation.JsonbTypeInfo;

/** How an attempt ended; {@code kind} tells which of these it is. */
@JsonbTypeInfo(
    key = "kind",
    value = {
      @JsonbSubtype(alias = "EXITED", type = OutcomeBody.Exited.class),
      @JsonbSubtype(alias = "SIGNALED", type = OutcomeBody.Signaled.class),
      @JsonbSubtype(alias = "START_FAILED", type = OutcomeBody.StartFailed.class),
      @JsonbSubtype(alias = "UNKNOWN", type = OutcomeBody.Unknown.class)
    })
public sealed interface OutcomeBody {
  /** By itself, with a code from 0 to 255. */
  record Exited(int exitCode) implements OutcomeBody {}

  /** By a signal; its name is that of Linux. */
  record Signaled(int signal, String signalName) implements OutcomeBody {}

  /** The command was never reached. */
  record StartFailed(String reason) implements OutcomeBody {}

  /** Nobody can tell. */
  record Unknown(String reason) implements OutcomeBody {}
}
