#!/usr/bin/env bash
# Runs the scenarios of tests/conformance through the Go binding.
#
#   conformance.sh [PART]     PART: only scenarios whose path contains it
#
# The last line is `conformance: scenarios=N failed=0`. FAILOVER_REPORT in the environment names a file
# that gets one line for each area.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/build.sh" >/dev/null
cd "$here"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# Never from Go's cache: the scenarios may have changed, and the report is to be written.
CONFORMANCE=${1:-} go test -count=1 -run '^TestConformance$' . -v 2>&1 | tee "$out" | grep -v '^=== RUN\|^--- PASS\|^PASS$\|^ok ' |
    grep -v '^conformance:' >&2 || true
grep '^conformance:' "$out"
grep -q '^PASS$' "$out"
