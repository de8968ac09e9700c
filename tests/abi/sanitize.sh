#!/usr/bin/env bash
# Runs the C programs of this folder and the shared scenarios under AddressSanitizer and
# LeakSanitizer, the library instrumented like the programs.
#
#   sanitize.sh [PROGRAM...]     all of them, or those named, such as `negative` or `conformance`
#
# Valgrind sees the heap of the library that ships; this sees stacks and statics too, and each access
# that the library makes to memory of its caller. The stable compiler keeps the sanitizers behind
# RUSTC_BOOTSTRAP and brings their runtime along. Programs are linked with that one, since gcc's would
# be a second in the same process. Of the standard library only the calls of malloc and of memcpy and
# its like are seen: it comes compiled.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
runner=$root/tests/conformance/runner-c
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
# A target directory of its own: the flags would have everything else compiled again.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}/asan
cc=${CC:-cc}
system=(-lpthread -ldl -lm)
# Debian's addr2line names functions and lines where llvm-symbolizer isn't installed.
export ASAN_OPTIONS=allow_addr2line=1:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf 'sanitize: %-11s %s\n' "$1" "$2"; }
fail() {
    cat "$work/report.txt" >&2
    echo "sanitize: $1: $2" >&2
    exit 1
}

# Only what is compiled for a named target is instrumented; build scripts and macros are not.
build_library() {
    (cd "$root" && RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
        cargo build --release --quiet -p failover-ffi --target "$host")
}

# Makes a program of C files: build NAME FILE... [-lLIBRARY...]
build() {
    local name=$1 part objects=() libraries=()
    shift
    for part; do
        if [[ $part == -l* ]]; then
            libraries+=("$part")
            continue
        fi
        objects+=("$work/$name.$(basename "$part" .c).o")
        "$cc" -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=address -Wall -Wextra -Werror \
            -I"$root/include" -I"$here" -c "$part" -o "${objects[-1]}"
    done
    "$cc" "${objects[@]}" -o "$work/$name" "$archive" \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive "${libraries[@]}" "${system[@]}"
}

# The program must do its work without a report.
is_clean() {
    local name=$1
    shift
    timeout 300 "$work/$name" "$@" >"$work/out.txt" 2>"$work/report.txt" || fail "$name" "failed with $?"
    say "$name" "clean"
}

# The program must fail with a report that says each of the given things.
is_found() {
    local name=$1 argument=$2 words
    shift 2
    if timeout 60 "$work/$name" "$argument" >/dev/null 2>"$work/report.txt"; then
        fail "$name" "what was planted was not found"
    fi
    for words; do
        grep -qE "$words" "$work/report.txt" || fail "$name" "the report doesn't say: $words"
    done
    say "$name" "found: ${argument:-leak}"
}

# What can't run here: a malloc of its own, the linking, and resident memory, which freed blocks take
# here too.
runs_elsewhere() { [[ $1 == hot || $1 == coexist || $1 == shelf ]]; }
is_planted() { [[ $1 == leak || $1 == stray ]]; }

programs=("$@")
if [[ $# -eq 0 ]]; then
    for source in "$here"/*.c; do
        name=$(basename "$source" .c)
        runs_elsewhere "$name" || is_planted "$name" || programs+=("$name")
    done
    programs+=(conformance)
fi

host=$(rustc -vV | sed -n 's/^host: //p')
archive=$CARGO_TARGET_DIR/$host/release/libfailover_ffi.a
runtime=$(echo "$(cd "$root" && rustc --print sysroot)/lib/rustlib/$host/lib"/librustc-*_rt.asan.a)
[[ -f $runtime ]] || { echo "sanitize: rustc has no AddressSanitizer for $host" >&2; exit 1; }
mkdir -p "$CARGO_TARGET_DIR"
# One at a time: another clone's library would be found in the same place.
exec 9>"$CARGO_TARGET_DIR/.sanitize.lock"
flock 9
build_library

# First that it looks.
build leak "$here/leak.c"
is_found leak "" "LeakSanitizer: detected memory leaks" "64 byte\(s\) in 1 object" "in main .*leak\.c"
build stray "$here/stray.c"
is_found stray library "heap-use-after-free" "WRITE of size" "in failover_pool_pick"
is_found stray program "heap-use-after-free" "READ of size" "#0 .* in main .*stray\.c"

for name in "${programs[@]}"; do
    if [[ $name == conformance ]]; then
        build conformance "$runner"/*.c -lcjson
        is_clean conformance "$root/tests/conformance/scenarios"
    else
        build "$name" "$here/$name.c"
        is_clean "$name"
    fi
done
echo "sanitize: ok"
