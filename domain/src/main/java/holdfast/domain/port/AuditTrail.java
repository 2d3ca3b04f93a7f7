package holdfast.domain.port;

import holdfast.domain.port.EntityKey.Kind;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who did what, from where, with what result: one entry for every change and every refusal, each
 * chained to the one before by a digest, so that none can be altered, removed or exchanged unseen.
 *
 * <p>It lives beside the journal. Whoever caused a change stands in the change itself ({@link
 * Change#by}), so the entries of changes are as durable as these: what a crash takes of them is
 * appended again by {@link #catchUp}. Any other entry is durable when {@link #force} returns.
 *
 * <p>Any thread. {@link #append} neither blocks nor fails.
 */
public interface AuditTrail {
  /** The hash that the first entry of all is chained to. */
  String NOTHING = "0".repeat(64);

  /** So many changes at once are read from the journal, so that there is room for their entries. */
  int CAUGHT_UP_AT_ONCE = 1_000;

  /**
   * One entry.
   *
   * @param type what happened, kebab-case
   * @param target id of what it was done to, or null
   * @param result {@code ok}, or the code of the problem
   * @param seq of the change; of an entry about no single change, that up to which it accounts for
   *     all of them; 0 if it says nothing about changes
   * @param revision of the entity after the change, 0 if it is gone or there was none
   * @param details more; values are strings, numbers and booleans
   */
  record Entry(
      Instant at,
      String type,
      Attribution by,
      @Nullable String target,
      String result,
      long seq,
      long revision,
      Map<String, Object> details) {
    public static final String OK = "ok";

    /** Begins a trail: changes before it have no entries. */
    public static final String BEGUN = "trail-begun";

    /** Stands for entries that there are not. */
    public static final String GAP = "gap";

    /** Says that changes begin anew behind a seq, in another history than before. */
    public static final String REJOINED = "trail-rejoined";

    /** Another state was put in force; the step to it has the seq. */
    public static final String RESTORED = "restored";

    /** The detail that is the id of a {@link Conflict}. */
    public static final String CONFLICT = "conflict";

    /** The entry of a change; the same whenever it is made. */
    public static Entry of(Committed committed) {
      Change change = committed.change();
      Attribution by = change.by();
      boolean isGone =
          change instanceof Change.PurgeTask || change instanceof Change.DeleteInitiative;
      return new Entry(
          change.at(),
          change.cause(),
          by == null ? Attribution.system(change.cause()) : by,
          change.key().id(),
          OK,
          committed.seq(),
          isGone ? 0 : change.revisionBefore() + 1,
          details(change));
    }

    private static Map<String, Object> details(Change change) {
      Map<String, Object> usual = change.key().kind() == Kind.TASK ? TASK : INITIATIVE;
      Attribution by = change.by();
      if (by == null || by.conflict() == null) {
        return usual;
      }
      var more = new LinkedHashMap<>(usual);
      more.put(CONFLICT, by.conflict());
      return more;
    }

    private static final Map<String, Object> TASK = entity(Kind.TASK);
    private static final Map<String, Object> INITIATIVE = entity(Kind.INITIATIVE);

    private static Map<String, Object> entity(Kind kind) {
      return Map.of("entity", kind.name().toLowerCase(Locale.ROOT));
    }

    /** Whether it is about one change, rather than about none or a range of them. */
    public boolean isChange() {
      return seq > 0 && isChange(type);
    }

    /** Whether an entry of this type that has a seq is about one change. */
    public static boolean isChange(String type) {
      return switch (type) {
        case BEGUN, GAP, REJOINED, RESTORED -> false;
        default -> true;
      };
    }

    private Entry rebuilt() {
      var more = new LinkedHashMap<>(details);
      more.put("rebuilt", true);
      return new Entry(at, type, by, target, result, seq, revision, more);
    }
  }

  /**
   * The end of a chain.
   *
   * @param index of its last entry, counted from 1; 0 if there is none
   * @param hash of that entry, lower-case hex
   * @param seq up to which changes have entries
   */
  record Head(long index, String hash, long seq) {
    /** Of a trail that has not begun. */
    public static final Head NONE = new Head(0, NOTHING, 0);
  }

  /** Adds an entry. False if there is no room for it now: nothing was added. */
  boolean append(Entry entry);

  /**
   * Makes everything appended before durable.
   *
   * @return the end of what is durable
   * @throws StorageException if it cannot be at present; the entries wait, as long as there is room
   */
  Head force();

  /** The end of what was appended, as far as it is written. */
  Head head();

  /**
   * Reads all of it, and compares it with what else is known of it. Takes as long as reading the
   * files does, and little memory.
   *
   * @throws StorageException if something cannot be read
   */
  Verdict verify();

  /** How an entry is not as it was written. */
  enum Flaw {
    /** It says something else than what was written. */
    ALTERED,
    /** It is not there, while later ones are. */
    MISSING,
    /** It is not there, nor is anything behind it. */
    TRUNCATED
  }

  /**
   * The first broken entry.
   *
   * @param file in which it is, or should be
   * @param line of the file, counted from 1
   * @param detail what was expected and what was found
   */
  record Broken(Flaw flaw, long index, String file, long line, String detail) {
    @Override
    public String toString() {
      return "entry %d is %s: %s, line %d: %s"
          .formatted(index, flaw.name().toLowerCase(Locale.ROOT), file, line, detail);
    }
  }

  /**
   * What verification found.
   *
   * @param entries that were read
   * @param head the last of them
   * @param broken null if all is well
   * @param pending changes that have no entries yet, because the server was ended without order:
   *     the next start appends them
   * @param unfinished where that begins, behind all that anybody vouches for, which such an end has
   *     left and is not whole: a power cut may, and the next start cuts it off; null if there is
   *     none
   */
  record Verdict(
      long entries,
      Head head,
      @Nullable Broken broken,
      long pending,
      @Nullable Broken unfinished) {}

  /** Gives changes behind a seq, oldest first: what the journal still has. */
  @FunctionalInterface
  interface Changes {
    List<Committed> after(long seq, int limit);
  }

  /**
   * Appends the entries that are lacking up to the journal's end, in order; begins a trail that has
   * none. Nobody else appends entries of changes meanwhile.
   *
   * @param last seq of the newest change
   * @return false if there was no room for all of them
   * @throws StorageException if they cannot be made durable, or the journal cannot be read
   */
  default boolean catchUp(Instant now, long last, Changes journal) {
    Head head = force();
    if (head.index() == 0 || head.seq() > last) {
      return append(beginning(now, head, last)) && isDurable();
    }
    long done = head.seq();
    for (List<Committed> changes = journal.after(done, CAUGHT_UP_AT_ONCE);
        !changes.isEmpty();
        changes = journal.after(done, CAUGHT_UP_AT_ONCE)) {
      long first = changes.getFirst().seq();
      if (first > done + 1 && !append(gap(now, done, first - 1))) {
        return false;
      }
      for (Committed change : changes) {
        if (!append(Entry.of(change).rebuilt())) {
          return false;
        }
      }
      done = changes.getLast().seq();
      force();
    }
    return done >= last || append(gap(now, done, last));
  }

  /** What says that entries of changes begin behind {@code last}. */
  private static Entry beginning(Instant now, Head head, long last) {
    return head.index() == 0
        ? accounting(now, Entry.BEGUN, last, Map.of())
        : accounting(
            now,
            Entry.REJOINED,
            last,
            Map.of("before", head.seq(), "reason", "history ends before the trail does"));
  }

  /** A crash must not take the beginning: the next start would begin behind what came after it. */
  private boolean isDurable() {
    force();
    return true;
  }

  private static Entry gap(Instant now, long done, long last) {
    return accounting(
        now,
        Entry.GAP,
        last,
        Map.of(
            "lost",
            last - done,
            "reason",
            "changes that had no entry yet are not in the journal any more"));
  }

  private static Entry accounting(Instant now, String type, long seq, Map<String, Object> details) {
    return new Entry(now, type, Attribution.system("catch-up"), null, Entry.OK, seq, 0, details);
  }
}
