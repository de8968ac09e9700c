#!/usr/bin/env bash
# Runs the Node examples with a freshly built package.
#
# usage: run.sh [quickstart] [custom_provider] [custom_health_check] [events] [demo]     default: all but demo
#
#   FAILOVER_BACKEND     the program failover-backend, for the demo's servers; default: it is built
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# No proxy of the environment may carry requests for 127.0.0.1 off this machine.
export no_proxy='*' NO_PROXY='*'
out=$("$root/node/build.sh")
# Where the package is found by its name.
rm -rf "$out/examples"
cp -r "$here" "$out/examples"

[[ $# -gt 0 ]] || set -- quickstart custom_provider custom_health_check events
for example; do
    case $example in
    demo)
        if [[ -z ${FAILOVER_BACKEND:-} ]]; then
            (cd "$root" && cargo build --release --quiet -p failover-backends) >&2
            export FAILOVER_BACKEND=$CARGO_TARGET_DIR/release/failover-backend
        fi
        node "$out/examples/demo/main.mjs"
        ;;
    quickstart | custom_provider | custom_health_check | events)
        diff -u "$here/$example.expected" <(node "$out/examples/$example.mjs")
        echo "$example: ok"
        ;;
    *)
        echo "run.sh: unknown example: $example" >&2
        exit 2
        ;;
    esac
done
