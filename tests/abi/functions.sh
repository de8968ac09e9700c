#!/usr/bin/env bash
# Compares the functions, type names and constants of the header with what functions.txt freezes.
#
#   functions.sh              fails if one was removed, changed or added
#   functions.sh --accept     takes what was added into functions.txt
#
# Structs have layout.txt. The text of the header is compared, rather than what debuggers are told: the
# library that ships has no types in it, so a tool such as abidiff would see names alone. Names of
# parameters are left out, since no program depends on them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
frozen=$here/functions.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One declaration a line, spaced alike, without comments and the bodies of structs.
declarations() {
    sed 's/^#include.*//' "$root/include/failover.h" | "${CC:-cc}" -E -P -x c -DFAILOVER_API= - |
        tr '\n' ' ' | sed -E 's/\{[^{}]*\}//g' | tr ';' '\n' |
        sed -E 's/[[:space:]]+/ /g; s/^ //; s/ $//; s/ *\* */ */g; s/\* (\*)/*\1/g; s/ *([(),]) */\1/g' |
        sed -E ':again; s/([(,][a-z][^(),]*[ *])[a-z_0-9]+([,)])/\1\2/; t again; s/ ([,)])/\1/g' |
        grep -E '^typedef|\bfailover_[a-z0-9_]+\('
}

# What changes with each release is no promise.
constants() {
    sed -nE 's/^#define (FAILOVER_[A-Z0-9_]+) (-?[0-9]+)$/\1 = \2/p' "$root/include/failover.h" |
        grep -vE '^FAILOVER_(VERSION_[A-Z]+|ABI_VERSION) '
}

{ declarations; constants; } | LC_ALL=C sort >"$work/now.txt"
[[ $(grep -c '(' "$work/now.txt") -gt 50 ]] || { echo "functions: the header was not understood" >&2; exit 1; }
LC_ALL=C comm -23 "$frozen" "$work/now.txt" >"$work/gone.txt"
LC_ALL=C comm -13 "$frozen" "$work/now.txt" >"$work/added.txt"

if [[ -s $work/gone.txt ]]; then
    sed 's/^/functions: was: /' "$work/gone.txt" >&2
    sed 's/^/functions: now: /' "$work/added.txt" >&2
    echo "functions: programs that were built before would break: add a function and keep the old one." >&2
    echo "functions: before a first release, or with a new FAILOVER_ABI_VERSION, take the lines out of" >&2
    echo "functions: tests/abi/functions.txt by hand and say so in the commit" >&2
    exit 1
fi
if [[ ${1:-} == --accept ]]; then
    cp "$work/now.txt" "$frozen"
    echo "functions: accepted $(wc -l <"$work/added.txt") more"
    exit
fi
if [[ -s $work/added.txt ]]; then
    sed 's/^/functions: new: /' "$work/added.txt" >&2
    echo "functions: once released they never change; accept them by: tests/abi/functions.sh --accept" >&2
    exit 1
fi
echo "$(grep -c '^[^=]*(' "$frozen") functions and callbacks, $(grep -c ' = ' "$frozen") constants as frozen"
