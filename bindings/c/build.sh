#!/usr/bin/env bash
# Builds the C libraries into the cache, and prints the directory that holds them.
#
#   build.sh
#
# The directory is ${FAILOVER_C_BUILD:-$CARGO_TARGET_DIR/c}: libfailover.so{,.0,.VERSION} and
# libfailover.a, to be compiled against with -I include.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
out=${FAILOVER_C_BUILD:-$CARGO_TARGET_DIR/c}
archive=$CARGO_TARGET_DIR/release/libfailover_ffi.a
mkdir -p "$out"

# One at a time: steps that run beside each other share the directory.
exec 9>"$out/.lock"
flock 9
(cd "$root" && cargo build --release --quiet -p failover-ffi) >&2

stamp="$(sha256sum <"$archive") $(cat "$root/include/failover.h" "$root/bindings/c/link.sh" | sha256sum)"
if [[ ! -e $out/libfailover.a || $(cat "$out/.stamp" 2>/dev/null) != "$stamp" ]]; then
    "$root/bindings/c/link.sh" "$archive" "$out" >&2
    echo "$stamp" >"$out/.stamp"
fi
echo "$out"
