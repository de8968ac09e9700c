#!/usr/bin/env bash
# Builds and runs the bench of the C ABI against the shared library.
#
# usage: benches/c/run.sh [WORD...]      only the rows that have every word in their name
set -euo pipefail
cd "$(dirname "$0")/../.."

libraries=$(bindings/c/build.sh)
program=$libraries/bench
cc -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -Wall -Wextra -Werror -I include -o "$program" \
    benches/c/bench.c -L "$libraries" -lfailover -Wl,-rpath,"$libraries" -pthread
"$program" "$@"
