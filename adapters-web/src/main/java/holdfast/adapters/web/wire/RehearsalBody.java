package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a start would find and do.
 *
 * @param dryRun always true: nothing was changed
 * @param readOnly why nothing would be settled, or null
 * @param heldBack why the start would not even be tried now, or null
 * @param states how many tasks would be in which state right after
 */
@JsonbPropertyOrder({"dryRun", "readOnly", "heldBack", "report", "states"})
public record RehearsalBody(
    boolean dryRun,
    @Nullable String readOnly,
    @Nullable String heldBack,
    RecoveryBody report,
    Map<String, Integer> states) {}
