#!/bin/sh
# Builds the C examples against an installed libfailover, and runs them.
#
# usage: run.sh [PREFIX] [build] [quickstart] [demo]      default: quickstart demo
#
#   PREFIX               where `make install` put libfailover, a path with a slash; without it,
#                        libfailover is built and installed into a temporary folder first
#   FAILOVER_BACKEND     the program failover-backend, for local servers; default: it is built
#   FAILOVER_EXAMPLES    folder for what is built; default: a temporary one
#   FAILOVER_WRAPPER     a command to run the examples under, such as valgrind
#   CC, FAILOVER_CFLAGS  the compiler, and flags to add; CFLAGS would reach the crates built in C too
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
# No proxy of the environment may carry requests for 127.0.0.1 off this machine.
no_proxy='*' NO_PROXY='*'
export no_proxy NO_PROXY

servers=
scratch=$(mktemp -d)
finish() {
    for server in $servers; do kill "$server" 2>/dev/null || :; done
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
out=${FAILOVER_EXAMPLES:-$scratch}
mkdir -p "$out"

case ${1:-} in
*/*)
    prefix=$(CDPATH='' cd -- "$1" && pwd)
    shift
    ;;
*)
    prefix=$scratch/prefix
    "$root/bindings/c/install.sh" "$prefix" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
    ;;
esac
if [ -z "${FAILOVER_BACKEND:-}" ]; then
    (cd "$root" && cargo build --release --quiet -p failover-backends)
    FAILOVER_BACKEND=${CARGO_TARGET_DIR:-$root/target}/release/failover-backend
fi
export FAILOVER_BACKEND

PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export PKG_CONFIG_PATH
pkg-config --exists failover libcurl || {
    echo "run.sh: needs pkg-config, failover under $prefix, and libcurl (apt install libcurl4-openssl-dev)" >&2
    exit 1
}

build() {
    program=$1
    shift
    # shellcheck disable=SC2046,SC2086  # the flags are lists of words
    ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror ${FAILOVER_CFLAGS:-} -o "$out/$program" "$@" \
        -pthread $(pkg-config --cflags --libs failover libcurl) \
        "-Wl,-rpath,$(pkg-config --variable=libdir failover)"
}

# Starts a server and reads its port from the line that it prints once it listens. It ends with
# the lifeline, that is with this script, however that ends.
start() {
    mkfifo "$scratch/$1"
    "$FAILOVER_BACKEND" --name "$1" --exit-with-stdin <"$scratch/lifeline" >"$scratch/$1" 3>&- &
    server=$!
    servers="$servers $server"
    read -r line <"$scratch/$1"
    port=$(printf '%s\n' "$line" | sed 's/.*"port":\([0-9]*\).*/\1/')
}

run_quickstart() {
    mkfifo "$scratch/lifeline"
    exec 3<>"$scratch/lifeline"
    start b
    living=$port
    start a
    kill -KILL "$server"
    wait "$server" 2>/dev/null || : # a shell would say "Killed"
    ${FAILOVER_WRAPPER:-} "$out/quickstart" "[
        { \"id\": \"a\", \"address\": \"127.0.0.1\", \"port\": $port },
        { \"id\": \"b\", \"address\": \"127.0.0.1\", \"port\": $living }]" >"$scratch/output"
    diff -u "$here/quickstart.expected" "$scratch/output"
    echo "quickstart: ok"
}

[ $# -gt 0 ] || set -- quickstart demo
for example; do
    case $example in
    build)
        build quickstart "$here/quickstart.c"
        build demo "$here"/demo/*.c
        ;;
    quickstart)
        build quickstart "$here/quickstart.c"
        run_quickstart
        ;;
    demo)
        build demo "$here"/demo/*.c
        ${FAILOVER_WRAPPER:-} "$out/demo"
        ;;
    *)
        echo "run.sh: unknown example: $example" >&2
        exit 2
        ;;
    esac
done
