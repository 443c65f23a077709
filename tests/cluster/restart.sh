#!/bin/bash
# Copyright 2026 the Infranetes authors. Apache-2.0 licence.
#
# restart.sh WORK NAME [SIGNAL]: kills one process of the cluster (runtime, kubelet, kube-apiserver, ...) and starts it again.
set -euo pipefail
work=$(realpath "$1") name=$2 signal=${3:-TERM}; in=("$(dirname "$0")/in.sh" "$work")
pid=$(<"$work/pids/$name")
"${in[@]}" kill -s "$signal" "$pid"
while "${in[@]}" kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
setsid "${in[@]}" "$work/run/$name" </dev/null >/dev/null 2>&1 &
