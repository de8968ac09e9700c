#!/usr/bin/env bash
# Runs the Node package's whole suite: types, tests, examples, the guide.
#
#   test.sh [PART]     PART: only test files whose name contains it
#
# FAILOVER_SOAK=1 runs the long forms: a thousand worker threads. FAILOVER_NODE_VERSIONS names more
# programs `node` to run the tests with, separated by colons.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# No proxy of the environment may carry requests for 127.0.0.1 off this machine.
export no_proxy='*' NO_PROXY='*'
part=${1:-}
out=$("$here/build.sh")
(cd "$root" && cargo build --release --quiet -p failover-backends) >&2
export FAILOVER_BACKEND=${FAILOVER_BACKEND:-$CARGO_TARGET_DIR/release/failover-backend}
export FAILOVER_ROOT=$root FAILOVER_NODE_TOOLS=$out/tools

rm -rf "$out/test" "$out/examples"
cp -r "$here/test" "$out/test"
cp -r "$root/examples/node" "$out/examples"

shopt -s nullglob
files=()
for file in "$out"/test/*.test.mjs; do
    [[ ${file##*/} == *"$part"* ]] && files+=("$file")
done
if [[ ${#files[@]} -eq 0 ]]; then
    echo "test.sh: no test file's name contains \"$part\"" >&2
    exit 1
fi
IFS=: read -r -a programs <<<"node${FAILOVER_NODE_VERSIONS:+:$FAILOVER_NODE_VERSIONS}"
for program in "${programs[@]}"; do
    echo "node: $("$program" --version)"
    # One file after another: they measure time and memory.
    "$program" --test --test-concurrency=1 --test-reporter=spec "${files[@]}"
done
