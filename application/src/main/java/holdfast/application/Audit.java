package holdfast.application;

import holdfast.domain.port.Attribution;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.AuditTrail.Entry;
import holdfast.domain.port.AuditTrail.Verdict;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Opened;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the {@link AuditTrail}: an entry for every committed change, in the order of the journal,
 * and one for whatever else was done or refused. Entries of changes that there was no room for are
 * fetched from the journal later. Any thread.
 */
public final class Audit {
  static final Duration TICK = Duration.ofSeconds(1);
  private static final String REQUEST = "request";
  private static final String REFUSED = "refused";

  private final Ports ports;
  private final InstantSource clock;
  private final LongSupplier present;
  private final RefusalBudget budget = new RefusalBudget();
  private final Semaphore verifying = new Semaphore(1);

  /** Entries of changes are appended in order. */
  private final ReentrantLock order = new ReentrantLock();

  private final ReentrantLock catchingUp = new ReentrantLock();
  private volatile boolean behind;
  private long appended;

  /**
   * @param present gives the seq of the state in force
   */
  Audit(Ports ports, InstantSource clock, LongSupplier present) {
    this.ports = ports;
    this.clock = clock;
    this.present = present;
  }

  /** Appends what the server before left out. Before anything new is committed. */
  void begin(Opened opened) {
    appended = opened.seq();
    behind = true;
    catchUp();
    system(
        "started",
        Map.of(
            "epoch",
            opened.epoch(),
            "term",
            opened.term(),
            "atSeq",
            opened.seq(),
            "cause",
            opened.replay().cause().name()));
  }

  /** Appends the entry of a change. On the storage's thread. */
  void committed(Committed change) {
    if (behind) {
      return;
    }
    order.lock();
    try {
      if (!behind && change.seq() > appended) {
        behind = !ports.audit(Entry.of(change));
        appended = change.seq();
      }
    } finally {
      order.unlock();
    }
  }

  /** Every so often: what was left out is made up for. */
  void tick() {
    if (behind) {
      catchUp();
    }
    tellLost();
  }

  private void catchUp() {
    catchingUp.lock();
    try {
      // Most of it while changes go on; then, in a moment without any, the rest.
      if (behind && isCaughtUp()) {
        order.lock();
        try {
          behind = !isCaughtUp();
          appended = Math.max(ports.audit().head().seq(), present.getAsLong());
        } finally {
          order.unlock();
        }
      }
    } catch (StorageException e) {
      ports.log(
          clock.instant(),
          Category.ERROR,
          "audit-behind",
          Map.of("error", String.valueOf(e.getMessage())));
    } finally {
      catchingUp.unlock();
    }
  }

  private boolean isCaughtUp() {
    return ports.audit().catchUp(clock.instant(), present.getAsLong(), ports.tasks()::changes);
  }

  /**
   * Makes everything durable that the journal is about to put aside. While nothing is committed.
   *
   * @throws StorageException if that cannot be
   */
  void complete() {
    behind = true;
    catchUp();
    if (behind) {
      throw new StorageException("the audit trail lacks entries that the disk has no room for");
    }
    ports.audit().force();
  }

  /** Notes that another state is in force; the step to it has the seq {@code seq}. */
  void restored(String snapshot, String before, String epoch, long seq) {
    Behalf behalf = Behalf.current();
    Attribution by = behalf == null ? Attribution.system("restore") : behalf.by();
    order.lock();
    try {
      boolean taken =
          ports.audit(
              new Entry(
                  clock.instant(),
                  Entry.RESTORED,
                  by,
                  snapshot,
                  Entry.OK,
                  seq,
                  0,
                  Map.of("before", before, "epoch", epoch)));
      behind |= !taken;
      appended = Math.max(appended, seq);
    } finally {
      order.unlock();
    }
    force();
    Behalf.told();
  }

  /**
   * Notes that something was done that is no change of an entity.
   *
   * @param isDurable whether it must be durable before anybody is told
   */
  public void done(
      Attribution by, @Nullable String target, Map<String, Object> details, boolean isDurable) {
    append(entry(REQUEST, by, target, Entry.OK, details));
    if (isDurable) {
      force();
    }
  }

  /** Notes a refusal, or counts it while there is a flood of them. */
  public void refused(Attribution by, @Nullable String target, String problem) {
    boolean isNoted;
    synchronized (budget) {
      isNoted = budget.take(clock.instant());
    }
    if (isNoted) {
      append(entry(REFUSED, by, target, problem, Map.of()));
    }
  }

  /** Notes what somebody tried who made no request, and what came of it. */
  void tried(
      String type, Attribution by, String target, String result, Map<String, Object> details) {
    append(entry(type, by, target, result, details));
  }

  /** Notes what the server did by itself. */
  void system(String type, Map<String, Object> details) {
    append(entry(type, Attribution.system(type), null, Entry.OK, details));
  }

  private Entry entry(
      String type,
      Attribution by,
      @Nullable String target,
      String result,
      Map<String, Object> details) {
    return new Entry(clock.instant(), type, by, target, result, 0, 0, details);
  }

  private void append(Entry entry) {
    if (!ports.audit(entry)) {
      synchronized (budget) {
        budget.lose(1);
      }
    }
  }

  private void tellLost() {
    synchronized (budget) {
      long lost = budget.lost();
      Map<String, Object> data =
          Map.of("lost", lost, "reason", "more than are noted singly, or no room for them");
      if (lost > 0
          && !ports.audit(entry(Entry.GAP, Attribution.system(REFUSED), null, Entry.OK, data))) {
        budget.lose(lost);
      }
    }
  }

  /** What cannot be made durable waits: what it tells of has been done already. */
  private void force() {
    try {
      ports.audit().force();
    } catch (StorageException e) {
      ports.log(
          clock.instant(),
          Category.ERROR,
          "audit-not-durable",
          Map.of("error", String.valueOf(e.getMessage())));
    }
  }

  /** Ends the trail of this start. Nothing is committed afterwards. */
  void end(String cause) {
    tick();
    system("stopped", Map.of("cause", cause));
    force();
  }

  /**
   * Reads the whole trail, on a thread of its own.
   *
   * @return null if somebody else has it read at this moment
   * @throws StorageException if it cannot be read
   */
  public @Nullable Verdict verify() throws InterruptedException {
    if (!verifying.tryAcquire()) {
      return null;
    }
    try {
      tick();
      var reading = new FutureTask<Verdict>(ports.audit()::verify);
      Thread.ofPlatform().daemon().name("holdfast-audit").start(reading);
      return reading.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StorageException failure) {
        throw failure;
      }
      throw new StorageException("the audit trail cannot be verified", e);
    } finally {
      verifying.release();
    }
  }
}
