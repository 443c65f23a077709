#!/bin/bash
# Copyright 2026 the Infranetes authors. Apache-2.0 licence.
#
# in.sh WORK COMMAND...: runs COMMAND inside the cluster's namespaces.
set -euo pipefail
work=$(realpath "$1"); shift
exec nsenter --target "$(<"$work/init.pid")" --pid --mount --net -- "$@"
