package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.task.Attempt;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The processes of one run, each with the proof that it is: it bears the cookie, is in the run's
 * control group, is the recorded process, was forked by a process that is proven, or shares the
 * command's session with one. The monitor and its own tools are spared.
 *
 * <p>Every process is held by a pidfd before its proof is looked at once more, and the signal goes
 * through the pidfd. A proof that rests on another process holds as long as that one lives, since
 * its pid, and the number of a session with a member, are not given away.
 */
final class ProcessTree {
  /** KILL is repeated while new processes turn up: some fork faster than one walk sees. */
  private static final int ROUNDS_MAX = 32;

  /** One walk that meets nobody may have been overtaken by who it looked for. */
  private static final int QUIET_ROUNDS = 3;

  /** To the whole group that a held process leads. Kernels before 6.9 refuse it. */
  private static final int PROCESS_GROUP = 1 << 2;

  private final Attempt attempt;
  private final Ties ties;
  private final ControlGroups groups;
  private final ProcessRecord.@Nullable Complete recorded;

  /** Why a process is one of the run's. */
  private sealed interface Tie {
    record Cookie() implements Tie {}

    record Group() implements Tie {}

    record Recorded() implements Tie {}

    record ForkedBy(ProcTable.Entry parent) implements Tie {}

    record InSessionWith(ProcTable.Entry other) implements Tie {}
  }

  /**
   * @param recorded what the run directory says of the command's process, or null
   */
  ProcessTree(
      Attempt attempt, Ties ties, ControlGroups groups, ProcessRecord.@Nullable Complete recorded) {
    this.attempt = attempt;
    this.ties = ties;
    this.groups = groups;
    this.recorded = recorded;
  }

  /** Sends a signal to every process of the run that lives now; returns how many that were. */
  int send(Signal signal) {
    var reached = new HashSet<Long>();
    switch (signal) {
      case TERM -> sendToMembers(15, reached);
      case KILL -> kill(reached);
    }
    return reached.size();
  }

  private void kill(Set<Long> reached) {
    List<Long> grouped = groups.members(attempt.cookie());
    int quietWanted = QUIET_ROUNDS;
    if (groups.kill(attempt.cookie())) {
      reached.addAll(grouped);
      quietWanted = 1;
    }
    int quiet = 0;
    for (int round = 0; round < ROUNDS_MAX && quiet < quietWanted; round++) {
      int before = reached.size();
      if (round > 0) {
        killAtSight(reached);
      }
      sendToMembers(9, reached);
      quiet = reached.size() == before ? quiet + 1 : 0;
    }
  }

  /** What hands itself on from process to process is gone before a whole walk is over. */
  private void killAtSight(Set<Long> reached) {
    ProcTable.forEach(
        entry -> {
          if (ties.bearsCookieSoon(entry) && send(entry, new Tie.Cookie(), 9, 0)) {
            reached.add(entry.pid());
          }
        });
  }

  /**
   * The command's group at one blow, so that no shell in it sees its child die and goes on; then
   * the rest, children before their parents, since an orphan may have lost its only tie.
   */
  private void sendToMembers(int number, Set<Long> reached) {
    Map<ProcTable.Entry, Tie> members = members();
    long group = recorded == null ? 0 : recorded.identity().pid();
    boolean groupReached =
        members.entrySet().stream()
            .filter(member -> member.getKey().pid() == group)
            .anyMatch(leader -> send(leader.getKey(), leader.getValue(), number, PROCESS_GROUP));
    for (var member : new ArrayList<>(members.entrySet()).reversed()) {
      ProcTable.Entry entry = member.getKey();
      if ((groupReached && entry.group() == group) || send(entry, member.getValue(), number, 0)) {
        reached.add(entry.pid());
      }
    }
  }

  private Map<ProcTable.Entry, Tie> members() {
    List<ProcTable.Entry> all = ProcTable.all();
    ProcTable.Entry monitor = monitor(all);
    if (monitor != null) {
      all.removeIf(entry -> entry.session() == monitor.pid());
    }
    Set<Long> grouped = new HashSet<>(groups.members(attempt.cookie()));
    var members = new LinkedHashMap<ProcTable.Entry, Tie>();
    for (ProcTable.Entry entry : all) {
      if (recorded != null && entry.is(recorded.identity()) && ties.prove(entry)) {
        members.put(entry, new Tie.Recorded());
      } else if (grouped.contains(entry.pid())) {
        members.put(entry, new Tie.Group());
      } else if (ties.bearsCookie(entry.pid())) {
        members.put(entry, new Tie.Cookie());
      } else if (monitor != null && entry.parent() == monitor.pid()) {
        members.put(entry, new Tie.ForkedBy(monitor));
      }
    }
    addSession(all, members);
    addDescendants(all, members);
    return members;
  }

  private ProcTable.@Nullable Entry monitor(List<ProcTable.Entry> all) {
    if (recorded == null || !ties.isMonitor(recorded.monitor())) {
      return null;
    }
    return all.stream().filter(entry -> entry.pid() == recorded.monitor()).findFirst().orElse(null);
  }

  private void addSession(List<ProcTable.Entry> all, Map<ProcTable.Entry, Tie> members) {
    if (recorded == null) {
      return;
    }
    long session = recorded.identity().pid();
    members.keySet().stream()
        .filter(member -> member.session() == session)
        .findFirst()
        .ifPresent(
            proven -> {
              for (ProcTable.Entry entry : all) {
                if (entry.session() == session) {
                  members.putIfAbsent(entry, new Tie.InSessionWith(proven));
                }
              }
            });
  }

  private static void addDescendants(List<ProcTable.Entry> all, Map<ProcTable.Entry, Tie> members) {
    var children = new HashMap<Long, List<ProcTable.Entry>>();
    all.forEach(
        entry -> children.computeIfAbsent(entry.parent(), _ -> new ArrayList<>()).add(entry));
    var parents = new ArrayList<>(members.keySet());
    for (int i = 0; i < parents.size(); i++) {
      ProcTable.Entry parent = parents.get(i);
      for (ProcTable.Entry child : children.getOrDefault(parent.pid(), List.of())) {
        if (members.putIfAbsent(child, new Tie.ForkedBy(parent)) == null) {
          parents.add(child);
        }
      }
    }
  }

  private boolean send(ProcTable.Entry member, Tie tie, int number, int scope) {
    long pidfd = Kernel.call(Kernel.Call.PIDFD_OPEN, member.pid());
    if (pidfd < 0) {
      return false;
    }
    try {
      ProcTable.Entry now = ProcTable.find(member.pid());
      return now != null
          && member.isSame(now)
          && !now.isZombie()
          && holds(tie, now)
          && Kernel.call(Kernel.Call.PIDFD_SEND_SIGNAL, pidfd, number, 0, scope, 0) == 0;
    } finally {
      Kernel.close((int) pidfd);
    }
  }

  private boolean holds(Tie tie, ProcTable.Entry now) {
    return switch (tie) {
      case Tie.Cookie _ -> ties.bearsCookieSoon(now);
      case Tie.Group _ -> ControlGroups.contains(attempt.cookie(), now.pid());
      case Tie.Recorded _ -> ties.prove(now);
      case Tie.ForkedBy(ProcTable.Entry parent) ->
          now.parent() == parent.pid() && parent.isSame(ProcTable.find(parent.pid()));
      case Tie.InSessionWith(ProcTable.Entry other) -> {
        ProcTable.Entry same = ProcTable.find(other.pid());
        yield now.session() == other.session()
            && other.isSame(same)
            && same != null
            && same.session() == other.session();
      }
    };
  }
}
