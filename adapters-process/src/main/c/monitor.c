// The native monitor: executes one command, outlives the server, and records how the command ended.
//
//   monitor monitor SHELL RUN_DIRECTORY ANCESTORS INPUT OUTPUT UMASK FILES GROUP CWD -- COMMAND [ARGUMENT...]
//   monitor version
//
// It keeps the same protocol as monitor.sh (SHELL is not used) and knows exactly what a shell can only guess: whether
// a signal ended the command, and whether and why exec failed. GROUP is a control group that it makes for the command,
// or a dash. It adopts the command's orphans and stays until the last has gone, so that they can be found by their
// descent. Descriptor 3 holds the lock. The files are described at RunDirectory; nothing is created here, only
// overwritten in place, so that a full disk cannot keep an end from being recorded.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCK = 3, RECORD_MAX = 512, ENVIRONMENT_MAX = 4 << 20, VARIABLES_MAX = 65536, ANCESTORS_MAX = 8 };

struct run {
  int directory;
  int exit_record;
  int process_record;
  int ancestors;
  bool input;
  bool split;
  mode_t umask;
  const char *files;
  const char *group;
  const char *cwd;
  char **command;
};

// What the child tells through a pipe that exec closes: that it is about to execute the command, or why that was not
// reached, or the one and then the other. Silence means that it was killed before.
struct failure {
  char stage[12];
  int error;
};

static const char ABOUT_TO_EXECUTE[] = "execute";

static void give_up(const char *what) {
  dprintf(STDERR_FILENO, "monitor: %s: %s\n", what, strerror(errno));
  _exit(70);
}

static int open_here(const struct run *run, const char *name, int flags) {
  return openat(run->directory, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

// Reads a file that is smaller than its buffer; terminates it with NUL.
static ssize_t read_whole(int fd, char *buffer, size_t size) {
  size_t length = 0;
  for (;;) {
    ssize_t n = read(fd, buffer + length, size - 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    length += (size_t)n;
    if (length == size - 1) {
      errno = E2BIG;
      return -1;
    }
  }
  buffer[length] = '\0';
  return (ssize_t)length;
}

static ssize_t read_path(const char *path, char *buffer, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t length = read_whole(fd, buffer, size);
  close(fd);
  return length;
}

// ---- the command's side ----

static void tell(int report, const char *stage, int error) {
  struct failure failure = {.error = error};
  strncpy(failure.stage, stage, sizeof failure.stage - 1);
  if (write(report, &failure, sizeof failure) != sizeof failure) _exit(70);
}

static _Noreturn void fail(int report, const char *stage, int error) {
  tell(report, stage, error);
  _exit(127);
}

// Field 22 of /proc/self/stat, counted from behind the name, which may contain anything.
static bool own_start(char *start, size_t size) {
  char stat[4096];
  if (read_path("/proc/self/stat", stat, sizeof stat) < 0) return false;
  char *field = strrchr(stat, ')');
  for (int i = 0; field != NULL && i < 20; i++) field = strchr(field + 1, ' ');
  if (field == NULL) return false;
  size_t length = strspn(field + 1, "0123456789");
  if (length == 0 || length >= size) return false;
  memcpy(start, field + 1, length);
  start[length] = '\0';
  return true;
}

// Durable when it returns true: the record, and the names that lead to it.
static bool record_process(const struct run *run, pid_t monitor) {
  char start[32], boot[64], record[RECORD_MAX];
  if (!own_start(start, sizeof start)) return false;
  if (read_path("/proc/sys/kernel/random/boot_id", boot, sizeof boot) < 0) return false;
  boot[strcspn(boot, "\n")] = '\0';
  int length = snprintf(record, sizeof record, "pid %d\nstart %s\nboot %s\nmonitor %d\nend\n", (int)getpid(),
                        start, boot, (int)monitor);
  if (pwrite(run->process_record, record, (size_t)length, 0) != length) return false;
  // Closed before the wait for the disk: whoever watches the directory hears of it now.
  int again = open_here(run, "process", O_RDONLY);
  close(run->process_record);
  if (again < 0 || fsync(again) != 0 || fsync(run->directory) != 0) return false;
  char above[ANCESTORS_MAX * 3 + 1] = "";
  for (int i = 0; i < run->ancestors; i++) {
    strcat(above, i == 0 ? ".." : "/..");
    int fd = openat(run->directory, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) return false;
    close(fd);
  }
  return true;
}

// The environment file holds NAME=VALUE strings, each ended by NUL.
static char **read_environment(const struct run *run) {
  static char content[ENVIRONMENT_MAX];
  static char *variables[VARIABLES_MAX + 1];
  int fd = open_here(run, "env", O_RDONLY);
  if (fd < 0) return NULL;
  ssize_t length = read_whole(fd, content, sizeof content);
  close(fd);
  if (length < 0) return NULL;
  size_t count = 0;
  for (char *at = content; at < content + length && count < VARIABLES_MAX; at += strlen(at) + 1) {
    variables[count++] = at;
  }
  variables[count] = NULL;
  return variables;
}

static const char *search_path(char **environment) {
  for (; *environment != NULL; environment++) {
    if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

// Why a program that is there was not executed. The kernel says of a missing interpreter that nothing is there.
static struct failure refusal(const struct stat *found, int error) {
  if (S_ISDIR(found->st_mode)) return (struct failure){"exec", EISDIR};
  if (error == ENOENT) return (struct failure){"interpreter", ENOENT};
  return (struct failure){"exec", error};
}

// Returns only if exec failed. A program without a slash is looked for as execvp does, but an unknown format is
// never handed to a shell: what would it make of a damaged binary?
static struct failure execute(char **command, char **environment) {
  struct stat found;
  if (strchr(command[0], '/') != NULL) {
    execve(command[0], command, environment);
    int error = errno;
    return stat(command[0], &found) == 0 ? refusal(&found, error) : (struct failure){"exec", error};
  }
  struct failure failure = {"exec", ENOENT};
  const char *path = search_path(environment);
  for (;;) {
    size_t length = strcspn(path, ":");
    char program[PATH_MAX];
    int n = snprintf(program, sizeof program, "%.*s%s%s", (int)length, path, length == 0 ? "./" : "/", command[0]);
    if (n > 0 && (size_t)n < sizeof program) {
      execve(program, command, environment);
      int error = errno;
      bool exists = stat(program, &found) == 0 && S_ISREG(found.st_mode);
      if (error == EACCES && exists) {
        failure.error = EACCES;
      } else if (exists) {
        return refusal(&found, error);
      }
    }
    if (path[length] == '\0') return failure;
    path += length + 1;
  }
}

static bool redirect(const struct run *run, int input) {
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int flags = O_WRONLY | O_APPEND;
  int out = open_here(run, run->split ? "stdout.log" : "output.log", flags);
  int err = run->split ? open_here(run, "stderr.log", flags) : out;
  if (null < 0 || out < 0 || err < 0) return false;
  return dup2(input >= 0 ? input : null, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2;
}

static void default_signals(void) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &standard, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

// The JVM raises the limit on open files for itself; the command gets the one that the server was started with.
static bool limit_files(const char *files) {
  struct rlimit limit;
  if (strcmp(files, "-") == 0) return true;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = strtoul(files, NULL, 10);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static _Noreturn void become_command(const struct run *run, int input, int report, pid_t monitor) {
  close(LOCK);
  if (setsid() < 0) fail(report, "record", errno);
  char **environment = read_environment(run);
  if (environment == NULL && errno == ENOENT) fail(report, "record", ECANCELED);
  if (environment == NULL) fail(report, "environment", errno);
  if (!record_process(run, monitor)) fail(report, "record", errno);
  // The environment is also the permit: whoever judges that this run never started removes it before, and only one
  // of two that remove a file succeeds.
  if (unlinkat(run->directory, "env", 0) != 0) fail(report, "record", errno == ENOENT ? ECANCELED : errno);
  if (!redirect(run, input)) fail(report, "output", errno);
  if (chdir(run->cwd) != 0) fail(report, "cwd", errno);
  default_signals();
  umask(run->umask);
  if (!limit_files(run->files)) fail(report, "limit", errno);
  tell(report, ABOUT_TO_EXECUTE, 0);
  struct failure failure = execute(run->command, environment);
  fail(report, failure.stage, failure.error);
}

// ---- the monitor's side ----

static void ignore_signal(int signal) { (void)signal; }

static void settle(void) {
  // The lock must be the one at the path, or this run has been given to somebody else.
  struct stat held;
  if (fstat(LOCK, &held) != 0 || fcntl(LOCK, F_SETFD, FD_CLOEXEC) != 0) give_up("lock");
  struct sigaction forget = {.sa_handler = ignore_signal, .sa_flags = SA_RESTART};
  const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGCHLD};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaction(signals[i], &forget, NULL);
  umask(077);
}

static void verify_lock(const struct run *run) {
  struct stat held, named;
  if (fstat(LOCK, &held) != 0) give_up("lock");
  if (fstatat(run->directory, "monitor.lock", &named, AT_SYMLINK_NOFOLLOW) != 0) give_up("monitor.lock");
  if (held.st_dev != named.st_dev || held.st_ino != named.st_ino) give_up("monitor.lock is another file");
}

struct input {
  int reader;
  int writer;
  int end;
};

// Opening a pipe both ways never waits; opening it one way then does not either.
static struct input open_input(const struct run *run) {
  struct input input = {-1, -1, -1};
  if (!run->input) return input;
  int both = open_here(run, "input", O_RDWR);
  input.writer = open_here(run, "input", O_WRONLY);
  input.reader = open_here(run, "input", O_RDONLY);
  input.end = open_here(run, "input.end", O_RDWR | O_NONBLOCK);
  if (both < 0 || input.writer < 0 || input.reader < 0 || input.end < 0) give_up("input");
  close(both);
  return input;
}

static void close_input(struct input *input) {
  if (input->end >= 0) {
    close(input->writer);
    close(input->end);
    input->end = -1;
  }
}

// Waits for the child, and buries the orphans that end before it; ends its input when that is asked for.
static int wait_for(pid_t child, struct input *input) {
  sigset_t blocked, during;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, &during);
  int status;
  for (;;) {
    pid_t ended = waitpid(-1, &status, input->end >= 0 ? WNOHANG : 0);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) give_up("wait");
    if (ended == 0) {
      struct pollfd asked = {.fd = input->end, .events = POLLIN};
      if (ppoll(&asked, 1, NULL, &during) > 0) {
        close_input(input);
      }
    }
  }
}

static const char *error_name(int error) {
  const char *name = strerrorname_np(error);
  return name == NULL ? "UNKNOWN" : name;
}

// What became of a child that told so much: nothing, that it would execute the command, or why it could not.
static void describe(char *outcome, size_t size, int status, const struct failure *told) {
  bool reached = told != NULL && strcmp(told->stage, ABOUT_TO_EXECUTE) == 0;
  const char *exec = reached ? "reached" : "not-reached";
  if (told != NULL && !reached) {
    snprintf(outcome, size, "failed %s %s\nexec %s\n", told->stage, error_name(told->error), exec);
  } else if (WIFSIGNALED(status)) {
    snprintf(outcome, size, "signaled %d certain\nexec %s\n", WTERMSIG(status), exec);
  } else {
    snprintf(outcome, size, "exited %d certain\nexec %s\n", WEXITSTATUS(status), exec);
  }
}

// The record says everything twice, in one write: two halves that agree are whole.
static void record_exit(const struct run *run, int status, const struct failure *told) {
  char outcome[128], process[RECORD_MAX], uptime[128], record[2 * RECORD_MAX];
  describe(outcome, sizeof outcome, status, told);
  int fd = open_here(run, "process", O_RDONLY);
  char *rest = NULL;
  if (fd >= 0 && read_whole(fd, process, sizeof process) > 0) rest = strstr(process, "monitor ");
  if (rest == NULL) {
    strcpy(process, "pid 0\nstart 0\nboot unknown\n");
  } else {
    *rest = '\0';
  }
  if (read_path("/proc/uptime", uptime, sizeof uptime) < 0) strcpy(uptime, "0");
  uptime[strcspn(uptime, " \n")] = '\0';
  int half = snprintf(record, RECORD_MAX, "%s%suptime %s\n", outcome, process, uptime);
  memcpy(record + half, record, (size_t)half);
  memcpy(record + 2 * half, "end\n", 4);
  size_t length = 2 * (size_t)half + 4;
  if (pwrite(run->exit_record, record, length, 0) != (ssize_t)length) give_up("exit");
  // Closed before the wait for the disk: whoever watches the directory hears of it now.
  int again = open_here(run, "exit", O_RDONLY);
  close(run->exit_record);
  if (again < 0 || fdatasync(again) != 0) give_up("exit");
}

// In its own control group where one can be made, so that whatever it starts can be killed at one blow.
static pid_t fork_into(const char *group) {
  if (strcmp(group, "-") != 0 && mkdir(group, 0700) == 0) {
    int fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct clone_args arguments = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned long long)fd};
    pid_t child = fd < 0 ? -1 : (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (fd >= 0) close(fd);
    if (child >= 0) return child;
  }
  return fork();
}

// Nobody but the command and its descendants holds the other end; it is closed when the command is executed.
static const struct failure *hear(int report, struct failure *told) {
  const struct failure *last = NULL;
  for (;;) {
    struct failure next;
    ssize_t length = read(report, &next, sizeof next);
    if (length < 0 && errno == EINTR) continue;
    if (length != sizeof next) return last;
    *told = next;
    last = told;
  }
}

static void monitor(struct run *run) {
  verify_lock(run);
  run->exit_record = open_here(run, "exit", O_WRONLY);
  run->process_record = open_here(run, "process", O_WRONLY);
  if (run->exit_record < 0 || run->process_record < 0) give_up("records");
  struct input input = open_input(run);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) give_up("pipe");
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) give_up("subreaper");
  pid_t self = getpid();
  pid_t child = fork_into(run->group);
  if (child < 0) {
    struct failure failure = {"fork", errno};
    record_exit(run, 0, &failure);
    return;
  }
  if (child == 0) become_command(run, input.reader, report[1], self);
  close(report[1]);
  close(run->process_record);
  if (input.reader >= 0) close(input.reader);
  struct failure told;
  const struct failure *last = hear(report[0], &told);
  int status = wait_for(child, &input);
  record_exit(run, status, last);
  close_input(&input);
  // Orphans are adopted for as long as they live.
  while (wait(NULL) > 0 || errno == EINTR) continue;
  if (strcmp(run->group, "-") != 0) rmdir(run->group);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "version") == 0) return printf("holdfast-monitor 2\n") > 0 ? 0 : 1;
  if (argc < 13 || strcmp(argv[1], "monitor") != 0 || strcmp(argv[11], "--") != 0) return 64;
  settle();
  struct run run = {
      .directory = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW),
      .ancestors = atoi(argv[4]),
      .input = strcmp(argv[5], "pipe") == 0,
      .split = strcmp(argv[6], "split") == 0,
      .umask = (mode_t)strtoul(argv[7], NULL, 8),
      .files = argv[8],
      .group = argv[9],
      .cwd = argv[10],
      .command = argv + 12,
  };
  if (run.directory < 0) give_up(argv[3]);
  if (run.ancestors < 0 || run.ancestors > ANCESTORS_MAX) return 64;
  monitor(&run);
  return 0;
}
