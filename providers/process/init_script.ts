// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The supervisor of a VM of kind `process`, for a POSIX shell. Runs in the VM's directory with the agent's command as its
 * arguments and answers one line on its standard output: `ready`, `exists` if the VM has or had a supervisor, or
 * what went wrong.
 *
 * A shell, because it is on every Linux and costs about 1 MB; a pipe into `dd`, because that bounds the log without
 * anybody having to look at it: 512 writes of at most 4 KiB a file.
 */
export const INIT_SCRIPT =
  `# Supervisor of a VM of kind process. Written by infranetes; see providers/process.
set -u
fail() { echo "$1"; exit 1; }
start_ticks() { shift 19; start=$1; }

keep_log() {
  while [ -e vm.json ]; do
    if dd of=agent.log bs=4096 count=512 2>/dev/null; then
      [ -s agent.log ] || return 0
    else
      sleep 1 # Disk full. What the agent writes meanwhile waits in the pipe.
    fi
    mv -f agent.log agent.log.1
  done
}

[ -e stop ] && { echo exists; exit 0; }
read -r stat <"/proc/$$/stat" || fail "Cannot read /proc/$$/stat"
start_ticks \${stat##*) }
read -r boot </proc/sys/kernel/random/boot_id || fail "Cannot read the boot id"
mkfifo -m 600 "log.$$" && echo "$$ $start $boot" >"init.$$" || fail "Cannot write to $PWD"
# A hard link is made whole or not at all, and only once.
if ! ln "init.$$" init 2>/dev/null; then rm -f "init.$$" "log.$$"; echo exists; exit 0; fi
(exec <"log.$$" >/dev/null 2>&1 && keep_log) &
trap '' PIPE # The node may have died: that must not end its VM.
echo ready 2>/dev/null
trap - PIPE
exec >"log.$$" 2>&1 </dev/null
rm -f "init.$$" "log.$$"

failures=0
while [ -e vm.json ] && [ ! -e stop ]; do
  read -r now _ </proc/uptime
  began=\${now%%.*}
  "$@"
  code=$?
  # Powered off; or told wrongly, or refused for ever: see vmserver --help.
  case $code in 0 | 64 | 77) echo "Agent ended with code $code: the VM ends" && break ;; esac
  read -r now _ </proc/uptime
  [ $((\${now%%.*} - began)) -ge 10 ] && failures=0
  case $failures in 0) delay=0.05 ;; 1) delay=0.2 ;; 2) delay=1 ;; 3) delay=3 ;; *) delay=10 ;; esac
  failures=$((failures + 1))
  echo "Agent ended with code $code: starting it again in $delay s"
  sleep "$delay"
done
`;
