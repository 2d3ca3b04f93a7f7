package holdfast.application;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.Attribution;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Kept;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Edit;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.SyncStrategy;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Rejection;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Decides what becomes of edits of state files: one that is taken over is a change like any other,
 * one that is not is told why, and both are kept as a {@link Conflict}. Any thread.
 */
public final class ExternalEdits {
  private final Core core;
  private final SyncStrategy strategy;
  private final SyncFeed feed;
  private final AtomicLong adopted = new AtomicLong();
  private @Nullable String last;

  ExternalEdits(Core core, SyncStrategy strategy, SyncFeed feed) {
    this.core = core;
    this.feed = feed;
    this.strategy = strategy;
  }

  /** What became of a request to settle a conflict. */
  public sealed interface Settled {
    /** It is settled as asked; {@code conflict} is how it stands now. */
    record Done(Conflict conflict) implements Settled {}

    record NotFound() implements Settled {}

    /** It is as it was. */
    record Refused(String reason) implements Settled {}

    /** The storage took no change; it is as it was. */
    record Unavailable(Answer<?> answer) implements Settled {}
  }

  /** What came of trying to make one side the one in force. */
  private sealed interface Tried {
    record Adopted() implements Tried {}

    record Refused(String reason) implements Tried {}

    record Later(Answer<?> answer) implements Tried {}
  }

  public SyncStrategy strategy() {
    return strategy;
  }

  /** Edits that were taken over since the start. */
  long adopted() {
    return adopted.get();
  }

  /** All that are kept, newest first. */
  public List<Conflict> conflicts() {
    return core.ports().stateFiles().conflicts().all();
  }

  /**
   * What was decided.
   *
   * @param isDecided whether the file may be written now; if not, it is looked at again later
   * @param isAdopted whether the edit was taken over
   * @param aside where the file's bytes are now, or null
   */
  record Judged(boolean isDecided, boolean isAdopted, @Nullable String aside) {}

  /** Decides about an edit and keeps what was decided. */
  Judged judge(Finding finding, Edit edit) throws InterruptedException {
    EntityKey key = Objects.requireNonNull(finding.key());
    Side memory = present(key);
    boolean isWanted = edit.fault() == null && isWanted(memory, edit);
    String id = newId(key);
    var behalf = new Behalf(new Attribution("edit", finding.place(), "edit of a state file", id));
    Tried tried =
        edit.fault() != null
            ? new Tried.Refused(edit.fault())
            : isWanted ? behalf.call(() -> adopt(key, Objects.requireNonNull(edit.side()))) : null;
    if (tried instanceof Tried.Later(Answer<?> answer)) {
      core.log(
          Category.ERROR,
          "edit-put-off",
          Map.of("place", finding.place(), "answer", String.valueOf(answer)));
      return new Judged(false, false, finding.quarantined());
    }
    String reason = tried instanceof Tried.Refused(String why) ? why : null;
    boolean isAdopted = tried instanceof Tried.Adopted;
    String aside =
        memory == null && !isAdopted && finding.condition() == Condition.UNKNOWN
            ? core.ports()
                .stateFiles()
                .putAside(key, reason == null ? finding.detail() : "refused: " + reason)
            : finding.quarantined();
    boolean isSettled =
        edit.side() == null || (isAdopted && (memory == null || isOnlyDisk(memory, edit)));
    keep(
        new Conflict(
            id,
            key,
            core.clock().instant(),
            strategy,
            isAdopted ? Kept.PERSISTENT : Kept.MEMORY,
            isSettled,
            memory,
            edit.side(),
            aside,
            reason));
    if (!behalf.isTold()) {
      audit(behalf.by(), key, isAdopted, reason);
    }
    adopted.addAndGet(isAdopted ? 1 : 0);
    core.ports().stateFiles().judged(key);
    return new Judged(true, isAdopted, aside);
  }

  /** An edit that led to no change. */
  private void audit(Attribution by, EntityKey key, boolean isAdopted, @Nullable String reason) {
    var details = new LinkedHashMap<String, Object>();
    details.put("reason", reason == null ? "the strategy is " + strategy.label() : reason);
    details.put(AuditTrail.Entry.CONFLICT, Objects.requireNonNull(by.conflict()));
    core.audit()
        .tried(
            "edit",
            by,
            key.id(),
            isAdopted ? AuditTrail.Entry.OK : reason == null ? "memory-kept" : "refused",
            details);
  }

  private void keep(Conflict conflict) {
    core.ports().stateFiles().conflicts().save(conflict);
    var data = new HashMap<String, Object>();
    data.put("conflict", conflict.id());
    data.put("entity", conflict.key().kind().name().toLowerCase(java.util.Locale.ROOT));
    data.put("key", conflict.key().id());
    data.put("strategy", conflict.strategy().label());
    data.put("kept", conflict.kept().name().toLowerCase(java.util.Locale.ROOT));
    data.put("reason", String.valueOf(conflict.reason()));
    data.put("quarantined", String.valueOf(conflict.quarantine()));
    core.log(Category.SYSTEM, "sync-conflict", data);
    feed.conflict(conflict, conflicts());
  }

  private synchronized String newId(EntityKey key) {
    String id = String.format("%013d-%s", core.clock().instant().toEpochMilli(), key.id());
    String free = id;
    for (int i = 2; free.equals(last) || find(free).isPresent(); i++) {
      free = id + "-" + i;
    }
    last = free;
    return free;
  }

  private Optional<Conflict> find(String id) {
    return conflicts().stream().filter(conflict -> conflict.id().equals(id)).findFirst();
  }

  private @Nullable Side present(EntityKey key) {
    return switch (key.kind()) {
      case TASK ->
          core.state().task(new TaskId(key.id()))
                  instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
              ? new Side.OfTask(stored)
              : null;
      case INITIATIVE ->
          core.state()
              .storedInitiative(new InitiativeId(key.id()))
              .map(Side.OfInitiative::new)
              .orElse(null);
    };
  }

  private boolean isWanted(@Nullable Side memory, Edit edit) {
    if (memory == null) {
      return strategy != SyncStrategy.MEMORY_WINS;
    }
    Instant updatedAt =
        switch (memory) {
          case Side.OfTask(var task) -> task.entity().updatedAt();
          case Side.OfInitiative(var initiative) -> initiative.entity().updatedAt();
        };
    return strategy.adopts(
        isOnlyDisk(memory, edit), edit.modified(), updatedAt, core.clock().instant());
  }

  private static boolean isOnlyDisk(Side memory, Edit edit) {
    return switch (memory) {
      case Side.OfTask(var task) ->
          task.seq() == edit.seq() && task.entity().revision() == edit.version();
      case Side.OfInitiative(var initiative) ->
          initiative.seq() == edit.seq() && initiative.entity().revision() == edit.version();
    };
  }

  private Tried adopt(EntityKey key, Side side) throws InterruptedException {
    boolean isNew = present(key) == null;
    return switch (side) {
      case Side.OfTask(var task) ->
          tried(
              isNew
                  ? core.store().bringIn(task.entity().id(), task.entity().spec())
                  : core.store()
                      .command(task.entity().id(), new TaskCommand.Edit(task.entity()), null));
      case Side.OfInitiative(var initiative) -> adopt(initiative.entity(), isNew);
    };
  }

  private Tried adopt(Initiative wanted, boolean isNew) throws InterruptedException {
    if (isNew) {
      return tried(core.store().bringIn(wanted.id(), wanted.spec()));
    }
    Initiative present = core.state().storedInitiative(wanted.id()).orElseThrow().entity();
    if (!present.createdAt().equals(wanted.createdAt())) {
      return new Tried.Refused("createdAt was changed");
    }
    if (wanted.revision() > present.revision()) {
      return new Tried.Refused("its revision " + wanted.revision() + " was never given");
    }
    InitiativeSpec spec = wanted.spec();
    return tried(core.store().patchInitiative(wanted.id(), _ -> spec, null));
  }

  private static Tried tried(Answer<?> answer) {
    return switch (answer) {
      case Answer.Done<?> _ -> new Tried.Adopted();
      case Answer.Refused<?>(Rejection rejection) -> new Tried.Refused(rejection.detail());
      case Answer.Impossible<?>(String _, String detail) -> new Tried.Refused(detail);
      case Answer.Gone<?>(EntityKey key) ->
          new Tried.Refused(key.id() + " was purged, and does not come back");
      case Answer.NotFound<?>(EntityKey key) -> new Tried.Refused("there is no " + key.id());
      case Answer.InUse<?> _, Answer.Stale<?> _ ->
          throw new IllegalStateException("no answer to an edit: " + answer);
      case Answer.Unavailable<?> _, Answer.DurabilityUnknown<?> _ -> new Tried.Later(answer);
    };
  }

  /**
   * Settles a conflict: the side asked for is in force afterwards.
   *
   * @throws holdfast.domain.port.StorageException if that cannot be kept
   */
  public synchronized Settled resolve(String id, Kept keep) throws InterruptedException {
    Conflict conflict = find(id).orElse(null);
    if (conflict == null) {
      return new Settled.NotFound();
    }
    if (conflict.kept() == keep) {
      return new Settled.Done(conflict.resolved() ? conflict : settle(conflict, keep));
    }
    if (conflict.resolved()) {
      return new Settled.Refused(
          "it was settled before, and "
              + conflict.kept().name().toLowerCase(java.util.Locale.ROOT)
              + " was kept");
    }
    Side side = keep == Kept.MEMORY ? conflict.memory() : conflict.persistent();
    if (side == null) {
      return new Settled.Refused("that side has no such entity");
    }
    Behalf.settling(id);
    return switch (adopt(conflict.key(), side)) {
      case Tried.Adopted _ -> new Settled.Done(settle(conflict, keep));
      case Tried.Refused(String reason) -> new Settled.Refused(reason);
      case Tried.Later(Answer<?> answer) -> new Settled.Unavailable(answer);
    };
  }

  private Conflict settle(Conflict conflict, Kept keep) {
    Conflict settled = conflict.settled(keep);
    core.ports().stateFiles().conflicts().save(settled);
    core.log(
        Category.SYSTEM,
        "conflict-settled",
        Map.of("conflict", settled.id(), "kept", keep.name().toLowerCase(java.util.Locale.ROOT)));
    feed.conflict(settled, conflicts());
    return settled;
  }
}
