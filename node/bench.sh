#!/usr/bin/env bash
# Prints what picks and calls cost in Node.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$("$here/build.sh")
rm -rf "$out/bench"
cp -r "$here/bench" "$out/bench"
exec node "$out/bench/bench.mjs"
