#!/usr/bin/env bash
# Counts the instructions of the hot paths and compares them with the accepted numbers.
#
# Instructions don't depend on how busy the machine is, so a change of five per cent is a change of
# the code. The accepted numbers belong to one compiler; another one has to be measured anew.
#
# usage: tests/instructions/run.sh [--accept]
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/libfailover/target}

compiler=$(rustc --version | cut -d' ' -f2)
accepted=tests/instructions/accepted-$compiler.txt
counted=$(mktemp)
trap 'rm -f "$counted" "$counted".*' EXIT

cargo build --release -q -p libfailover --example hot
hot=$CARGO_TARGET_DIR/release/examples/hot

instructions() {
    valgrind --tool=callgrind --toggle-collect='hot::count' \
        --callgrind-out-file="$counted.out" "$hot" "$@" 2>&1 |
        sed -n 's/.*Collected : //p'
}

rounds=10000
for path in pick call; do
    for algorithm in round_robin random weighted least_connections ip_hash p2c_ewma; do
        printf '%-6s %-18s %6d\n' "$path" "$algorithm" \
            $(($(instructions "$path" "$algorithm" "$rounds") / rounds))
    done
done >"$counted"
printf '%-6s %-18s %6d\n' scope round_robin $(($(instructions scope round_robin "$rounds") / rounds)) >>"$counted"

if [ "${1:-}" = --accept ]; then
    cp "$counted" "$accepted"
    echo "accepted for rustc $compiler:"
    cat "$accepted"
    exit
fi
if [ ! -f "$accepted" ]; then
    echo "no accepted numbers for rustc $compiler; look at these and accept them by $0 --accept"
    cat "$counted"
    exit 1
fi

echo "instructions of a pick with its report, and of a whole call, 100 endpoints, rustc $compiler"
paste -d' ' "$accepted" "$counted" | awk '
    { change = ($6 - $3) * 100 / $3
      verdict = change > 5 ? "MORE" : "ok"
      printf "  %-6s %-18s accepted %6d now %6d %+6.1f %%  %s\n", $1, $2, $3, $6, change, verdict
      failed += change > 5 }
    END { exit failed > 0 }' || {
    echo "a hot path costs over 5 % more instructions; if that is worth it, say so in the commit"
    echo "and accept the new numbers by: tests/instructions/run.sh --accept"
    exit 1
}
