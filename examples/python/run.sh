#!/usr/bin/env bash
# Runs the Python examples against the built package, and compares what they print.
#
# usage: run.sh [EXAMPLE...]      default: all but the demo, which takes its time
#
#   FAILOVER_BACKEND     the program failover-backend, for local servers; default: it is built
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export PYTHONDONTWRITEBYTECODE=1
export no_proxy='*' NO_PROXY='*'
python=$("$root/python/build.sh")
if [[ -z ${FAILOVER_BACKEND:-} ]]; then
    (cd "$root" && cargo build --release --quiet -p failover-backends)
    FAILOVER_BACKEND=$CARGO_TARGET_DIR/release/failover-backend
fi

scratch=$(mktemp -d)
servers=()
finish() {
    for server in "${servers[@]}"; do kill "$server" 2>/dev/null || :; done
    rm -rf "$scratch"
}
trap finish EXIT

# Starts a server, which ends with this script; its port is in `port`, its process in `server`.
start() { # NAME
    mkfifo "$scratch/$1"
    "$FAILOVER_BACKEND" --name "$1" --exit-with-stdin <"$scratch/lifeline" >"$scratch/$1" 3>&- &
    server=$!
    servers+=("$server")
    read -r line <"$scratch/$1"
    port=$(sed 's/.*"port":\([0-9]*\).*/\1/' <<<"$line")
}

compare() { # NAME [ARGUMENT...]
    # Isolated: what is imported is the installed package.
    "$python" -I "$here/$1.py" "${@:2}" >"$scratch/output"
    diff -u "$here/$1.expected" "$scratch/output"
    echo "$1: ok"
}

[[ $# -gt 0 ]] || set -- quickstart custom_provider custom_health_check events
for example; do
    case $example in
    quickstart)
        mkfifo "$scratch/lifeline"
        exec 3<>"$scratch/lifeline"
        start b
        alive=$port
        start a
        kill -KILL "$server"
        wait "$server" 2>/dev/null || : # a shell would say "Killed"
        compare quickstart "$port" "$alive"
        ;;
    demo) "$python" -I "$here/demo.py" "$FAILOVER_BACKEND" ;;
    *) compare "$example" ;;
    esac
done
