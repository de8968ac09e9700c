#!/usr/bin/env bash
# Runs the Node package's whole suite: format, types, tests, examples, the guide.
#
#   test.sh [PART]     PART: only test files whose name contains it
#   test.sh --format   formats the package's and the examples' source
#
# Everything runs with the Node of the PATH, and what may differ with each of 20, 22 and 24 that it is not,
# which are fetched into the cache. FAILOVER_SOAK=1 runs everything with each, and the long forms: a thousand
# worker threads. FAILOVER_NODE_ONLY=1 leaves it at the Node of the PATH.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# No proxy of the environment may carry requests for 127.0.0.1 off this machine.
export no_proxy='*' NO_PROXY='*'
part=${1:-}
sources=("$here/**/*.{ts,mts,cts,mjs,cjs}" "$root/examples/node/**/*.mjs")
# What the host does differently from version to version.
varying=(events execute exit load manager provider workers)
out=$("$here/build.sh")
if [[ -z ${FAILOVER_BACKEND:-} ]]; then
    (cd "$root" && cargo build --release --quiet -p failover-backends) >&2
    export FAILOVER_BACKEND=$CARGO_TARGET_DIR/release/failover-backend
fi
export FAILOVER_ROOT=$root FAILOVER_NODE_TOOLS=$out/tools

format() {
    "$out/tools/node_modules/.bin/prettier" --config "$here/.prettierrc.json" --log-level warn "$@" "${sources[@]}"
}
if [[ $part == --format ]]; then
    format --write
    exit
fi
[[ -n $part ]] || format --check

rm -rf "$out/test" "$out/examples"
cp -r "$here/test" "$out/test"
cp -r "$root/examples/node" "$out/examples"

# run PROGRAM NAME...: runs the test files of those names that are asked for.
run() {
    local program=$1 files=() name
    shift
    for name; do
        [[ $name == *"$part"* ]] && files+=("$out/test/$name.test.mjs")
    done
    [[ ${#files[@]} -gt 0 ]] || return 0
    echo "node $("$program" --version): ${#files[@]} files"
    # One file after another: they measure time and memory.
    "$program" --test --test-concurrency=1 --test-reporter=spec "${files[@]}"
}

all=()
for file in "$out"/test/*.test.mjs; do
    name=${file##*/}
    all+=("${name%.test.mjs}")
done
if [[ ${all[*]} != *"$part"* ]]; then
    echo "test.sh: no test file's name contains \"$part\"" >&2
    exit 1
fi
run node "${all[@]}"
[[ -z ${FAILOVER_NODE_ONLY:-} ]] || exit 0
[[ -z ${FAILOVER_SOAK:-} ]] || varying=("${all[@]}")
programs=$("$here/versions.sh")
for program in $programs; do
    run "$program" "${varying[@]}"
done
