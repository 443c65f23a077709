#!/bin/bash
# Copyright 2026 the Infranetes authors. Apache-2.0 licence.
#
# down.sh WORK: stops the cluster up.sh started there. Its PID namespace ends with its first process, so nothing is left.
set -euo pipefail
work=$(realpath "$1"); init=$(<"$work/init.pid")
kill -TERM "$init" 2>/dev/null || :
for _ in {1..250}; do [[ -d /proc/$init ]] || break; sleep 0.1; done
[[ ! -d /proc/$init ]] || kill -KILL "$init"
while [[ -d /proc/$init ]]; do sleep 0.1; done
ip link del "$(<"$work/veth")" 2>/dev/null || : # gone with its namespace, a little later
rm -f "$work/init.pid"
for dir in /sys/fs/cgroup/{,*/}"$(basename "$work")"; do # cgroups (v2, v1), emptied by now
  [[ ! -d $dir ]] || find "$dir" -depth -type d -exec rmdir {} +
done
