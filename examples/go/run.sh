#!/usr/bin/env bash
# Runs the Go examples.
#
#   run.sh [check] [demo] [NAME...]     default: check
#
#   check              all but the demo; what they print is compared with their file `expected`
#   demo               the demo, half a minute
#   NAME               one of the others
#   FAILOVER_BACKEND   the program failover-backend, for the demo's servers; default: it is built
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
"$root/bindings/go/build.sh" >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GOPROXY=off GOTOOLCHAIN=local
# No proxy of the environment may carry requests for 127.0.0.1 off this machine.
export no_proxy='*' NO_PROXY='*'
cd "$here"

run() {
    go build -o "$scratch/$1" "./$1"
    "$scratch/$1" >"$scratch/output"
    diff -u "$1/expected" "$scratch/output"
    echo "$1: ok"
}

demo() {
    if [[ -z ${FAILOVER_BACKEND:-} ]]; then
        export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/libfailover/target}
        (cd "$root" && cargo build --release --quiet -p failover-backends)
        export FAILOVER_BACKEND=$CARGO_TARGET_DIR/release/failover-backend
    fi
    go build -o "$scratch/demo" ./demo
    "$scratch/demo"
}

[[ $# -gt 0 ]] || set -- check
for one in "$@"; do
    case $one in
    check) for name in quickstart custom_provider custom_health_check events; do run "$name"; done ;;
    demo) demo ;;
    *) run "$one" ;;
    esac
done
