#!/usr/bin/env bash
# Runs the scenarios through the Node package.
#
#   conformance.sh [PART]     PART: only scenarios whose path contains it
#
# With FAILOVER_REPORT in the environment, a line for each area is appended to the file that it names.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$("$here/build.sh")
rm -rf "$out/conformance"
cp -r "$here/conformance" "$out/conformance"
exec node "$out/conformance/run.mjs" "$here/../tests/conformance" "$@"
