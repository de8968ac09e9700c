#!/usr/bin/env bash
# Runs the scenarios in Python: one step after another, and on an event loop.
#
# usage: conformance.sh [PART]     PART: only scenarios whose path contains it
#
#   FAILOVER_REPORT    a file, to which a line for each area is added
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/build.sh")
export PYTHONDONTWRITEBYTECODE=1
cd "$here/tests"
failed=0
for way in sync async; do
    "$python" -m conformance "$way" "${1:-}" || failed=1
done
exit "$failed"
