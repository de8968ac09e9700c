#!/usr/bin/env bash
# Measures, and prints one table; how far it is goes to the error output.
#
# usage: tools/bench.sh [WORD]      only what has the word in its name, such as `round_robin`
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/libfailover/target}

cargo bench -p libfailover --bench engine -- --quiet "$@" |
    awk '/^nanoseconds/ { is_table = 1 } { if (is_table) print; else print >"/dev/stderr" }'
tools/part.sh benches/c/run.sh "$@"

# Each language beside its own floor. What is measured is named by a word, as above.
if [ $# -eq 0 ]; then
    for bench in bindings/go/bench.sh python/bench.sh node/bench.sh; do
        tools/part.sh "$bench"
    done
fi
