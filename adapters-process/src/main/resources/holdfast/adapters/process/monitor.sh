#!/bin/sh
# The monitor in POSIX sh: executes one command, outlives the server, and records how the command ended.
#
#   monitor.sh monitor SHELL RUN_DIRECTORY ANCESTORS INPUT OUTPUT UMASK FILES GROUP CWD -- COMMAND [ARGUMENT...]
#
# ANCESTORS counts the directories above the run directory whose entries may not be durable yet, INPUT is none or
# pipe, OUTPUT is merged or split, FILES limits the open files or is a dash, GROUP is not used. Descriptor 3 holds the lock. Needs sync, rm and setsid beside the shell. The files
# are described at RunDirectory; nothing is created here, only overwritten in place, so that a full disk cannot
# keep an end from being recorded. Names begin with hf_ because the task's variables are read into this shell.
set -f

# ---- the command's side: becomes the command by exec, so its process id is that of the record ----

failed() {
  printf '%s %s\n' "$1" "$2" 1<>"$hf_run/start-failed"
  trap - 0
  exit 127
}

record_process() {
  shift 19
  read -r hf_boot </proc/sys/kernel/random/boot_id
  printf 'pid %s\nstart %s\nboot %s\nmonitor %s\nend\n' "$$" "$1" "$hf_boot" "$PPID" 1<>process || return 1
  hf_above=..
  set -- process .
  while [ "$hf_ancestors" -gt 0 ]; do
    set -- "$@" "$hf_above"
    hf_above=$hf_above/..
    hf_ancestors=$((hf_ancestors - 1))
  done
  sync "$@" 2>/dev/null
}

# What exec would find, so that a failure has a name; POSIX tells not found from not executable and no more.
find_program() {
  case $1 in
    */*) hf_file=$1 ;;
    *)
      hf_file=
      hf_refused=ENOENT
      hf_path=${PATH-/usr/local/bin:/usr/bin:/bin}:
      while [ -n "$hf_path" ]; do
        hf_directory=${hf_path%%:*}
        hf_path=${hf_path#*:}
        hf_candidate=${hf_directory:-.}/$1
        if [ -f "$hf_candidate" ] && [ -x "$hf_candidate" ]; then
          hf_file=$hf_candidate
          break
        fi
        [ -f "$hf_candidate" ] && hf_refused=EACCES
      done
      [ -n "$hf_file" ] || failed exec "$hf_refused"
      ;;
  esac
  [ -e "$hf_file" ] || failed exec ENOENT
  [ -d "$hf_file" ] && failed exec EISDIR
  [ -x "$hf_file" ] || failed exec EACCES
  [ -r "$hf_file" ] || return 0
  hf_head=
  IFS= read -r hf_head <"$hf_file"
  case $hf_head in
    ?ELF*) ;;
    '#!'*) check_interpreter ${hf_head#??} ;;
    *) failed exec ENOEXEC ;;
  esac
}

check_interpreter() {
  [ -x "$1" ] || failed interpreter ENOENT
}

become_command() {
  hf_run=$2 hf_ancestors=$3 hf_output=$5 hf_umask=$6 hf_files=$7 hf_cwd=$9
  shift 10
  read -r hf_stat </proc/self/stat
  record_process ${hf_stat##*) } || failed record EIO
  [ -e env ] || failed record ECANCELED
  exec 7<env
  # The environment is also the permit: whoever judges that this run never started removes it before, and only one
  # of two that remove a file succeeds.
  rm env 2>/dev/null || failed record ECANCELED
  case $hf_output in
    merged) exec 1>>output.log 2>&1 ;;
    *) exec 1>>stdout.log 2>>stderr.log ;;
  esac
  [ -e "$hf_cwd" ] || failed cwd ENOENT
  [ -d "$hf_cwd" ] || failed cwd ENOTDIR
  CDPATH= cd -P -- "$hf_cwd" 2>/dev/null || failed cwd EACCES
  # bash goes on after a failed exec only if asked; the others run the trap. Both end in the same words.
  shopt -s execfail 2>/dev/null
  trap 'failed exec UNKNOWN' 0
  unset PATH LC_ALL OLDPWD SHLVL HOLDFAST_MONITOR_OF
  . /proc/self/fd/7 2>/dev/null
  exec 7<&-
  unset IFS
  find_program "$@" 2>/dev/null
  umask "$hf_umask"
  [ "$hf_files" = - ] || ulimit -S -n "$hf_files" || failed limit EPERM
  exec "$@"
}

# ---- the monitor's side ----

# A process of its own keeps the input open, until a line comes through input.end; then the command reads what is
# left, and the end. Opening a pipe both ways never waits; opening it for writing alone then does not either.
hold_input() {
  exec 4<>input 5>input 4>&- 8<>input.end
  (
    exec 3<&-
    read -r hf_end <&8
  ) &
  hf_holder=$!
  exec 5>&- 8>&-
}

outcome_of() {
  hf_stage=
  hf_error=
  read -r hf_stage hf_error <start-failed
  if [ -n "$hf_stage" ]; then
    hf_outcome="failed $hf_stage $hf_error"
    hf_exec=not-reached
    return
  fi
  hf_exec=reached
  hf_signal=$(($1 - 128))
  if [ "$hf_signal" -lt 1 ] || [ "$hf_signal" -gt 64 ]; then
    hf_outcome="exited $1 certain"
  elif [ -s monitor.log ]; then
    # The shell says a word about a command that died from a signal, and none about one that exited.
    hf_outcome="signaled $hf_signal certain"
  elif [ "$hf_signal" -eq 2 ] || [ "$hf_signal" -eq 13 ] || ! echo "exit status $1" >&2; then
    # Of INT and PIPE it says nothing either way, nor can it say anything on a full disk.
    hf_outcome="exited $1 uncertain"
  else
    hf_outcome="exited $1 certain"
  fi
}

record_exit() {
  hf_pid='pid 0'
  hf_start='start 0'
  hf_boot='boot unknown'
  {
    read -r hf_line
    case $hf_line in
      'pid '*) hf_pid=$hf_line && read -r hf_start && read -r hf_boot ;;
    esac
  } <process
  read -r hf_uptime hf_idle </proc/uptime
  hf_record="$hf_outcome
exec $hf_exec
$hf_pid
$hf_start
$hf_boot
uptime $hf_uptime
"
  printf '%s%send\n' "$hf_record" "$hf_record" 1<>exit
  sync exit
}

monitor() {
  hf_shell=$1
  cd -- "$2" || exit 70
  [ /proc/self/fd/3 -ef monitor.lock ] || exit 70
  umask 077
  # Not ignored, which the command would inherit, but caught and forgotten.
  trap : TERM INT HUP QUIT USR1 USR2 PIPE ALRM
  hf_input=/dev/null
  if [ "$4" = pipe ]; then
    hold_input
    hf_input=input
  fi
  # In a subshell, since some shells move their own descriptor away while a command runs without it.
  (
    exec 3<&-
    exec setsid "$hf_shell" "$hf_script" command "$@"
  ) <"$hf_input"
  outcome_of $?
  record_exit
  if [ -n "${hf_holder-}" ]; then
    kill "$hf_holder" 2>/dev/null
  fi
}

hf_script=$0
hf_role=$1
shift
case $hf_role in
  command) become_command "$@" ;;
  monitor) monitor "$@" ;;
  *) exit 64 ;;
esac
