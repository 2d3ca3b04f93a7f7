package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.ProcessIdentity;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The processes of one run, proven to be so: those that bear its cookie, and those of the command's
 * session as long as one of them bears the cookie, since a session's number cannot be used again
 * while a member lives. The monitor is in a session of its own and bears no cookie.
 */
final class ProcessTree {
  private final Host host;
  private final Attempt attempt;
  private final @Nullable ProcessIdentity leader;

  private ProcessTree(Host host, Attempt attempt, @Nullable ProcessIdentity leader) {
    this.host = host;
    this.attempt = attempt;
    this.leader = leader;
  }

  /**
   * @param recorded what the run directory says of the command's process, or null
   */
  static ProcessTree of(Host host, Attempt attempt, @Nullable ProcessIdentity recorded) {
    return new ProcessTree(host, attempt, recorded == null ? attempt.process() : recorded);
  }

  /** Sends a signal to every process of the run that lives now; returns how many that were. */
  int send(Signal signal) {
    if (!host.shares(attempt.host()) || !host.bootId().equals(attempt.host().bootId())) {
      return 0;
    }
    int number =
        switch (signal) {
          case TERM -> 15;
          case KILL -> 9;
        };
    int sent = 0;
    for (ProcTable.Entry member : members()) {
      sent += send(member, number) ? 1 : 0;
    }
    return sent;
  }

  /** The processes that bear the run's cookie. */
  List<ProcTable.Entry> bearers() {
    var bearers = new ArrayList<ProcTable.Entry>();
    for (ProcTable.Entry entry : ProcTable.all()) {
      if (!entry.isZombie() && attempt.cookie().equals(ProcTable.cookie(entry.pid()))) {
        bearers.add(entry);
      }
    }
    return bearers;
  }

  private List<ProcTable.Entry> members() {
    var members = new ArrayList<ProcTable.Entry>();
    var others = new ArrayList<ProcTable.Entry>();
    for (ProcTable.Entry entry : ProcTable.all()) {
      if (!entry.isZombie()) {
        boolean bears = attempt.cookie().equals(ProcTable.cookie(entry.pid()));
        (bears ? members : others).add(entry);
      }
    }
    if (leader != null && members.stream().anyMatch(m -> m.session() == leader.pid())) {
      for (ProcTable.Entry other : others) {
        if (other.session() == leader.pid()) {
          members.add(other);
        }
      }
    }
    return members;
  }

  /** Holds the process first, then looks again whether it still is the one that was meant. */
  private boolean send(ProcTable.Entry member, int number) {
    long pidfd = Kernel.call(Kernel.Call.PIDFD_OPEN, member.pid());
    if (pidfd < 0) {
      return false;
    }
    try {
      ProcTable.Entry now = ProcTable.find(member.pid());
      if (now == null || now.startTicks() != member.startTicks() || now.isZombie()) {
        return false;
      }
      boolean proven =
          attempt.cookie().equals(ProcTable.cookie(now.pid()))
              || (leader != null && now.session() == leader.pid() && leaderSessionLives());
      return proven && Kernel.call(Kernel.Call.PIDFD_SEND_SIGNAL, pidfd, number, 0) == 0;
    } finally {
      Kernel.close((int) pidfd);
    }
  }

  private boolean leaderSessionLives() {
    Set<Long> sessions = new HashSet<>();
    for (ProcTable.Entry bearer : bearers()) {
      sessions.add(bearer.session());
    }
    return leader != null && sessions.contains(leader.pid());
  }
}
