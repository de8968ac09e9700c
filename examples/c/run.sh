#!/bin/sh
# Builds the C examples against an installed libfailover, and runs them.
#
# usage: run.sh [PREFIX] [EXAMPLE...]      default: quickstart demo
#
#   EXAMPLE              quickstart, custom_provider, custom_health_check, events or demo; `build` builds
#                        them all
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
    CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/libfailover/target}
    export CARGO_TARGET_DIR
    (cd "$root" && cargo build --release --quiet -p failover-backends)
    FAILOVER_BACKEND=$CARGO_TARGET_DIR/release/failover-backend
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

# Starts one server that lives and one that is dead, for whatever examples run.
start_both() {
    [ ! -e "$scratch/lifeline" ] || return 0
    mkfifo "$scratch/lifeline"
    exec 3<>"$scratch/lifeline"
    start b
    living=$port
    start a
    dead=$port
    kill -KILL "$server"
    wait "$server" 2>/dev/null || : # a shell would say "Killed"
}

# The two servers as a document; the argument is more to say of each.
document() {
    printf '[{"id": "a", "address": "127.0.0.1", "port": %s%s}, ' "$dead" "$1"
    printf '{"id": "b", "address": "127.0.0.1", "port": %s%s}]' "$living" "$1"
}

# Runs an example and compares what it prints.
run() {
    program=$1
    shift
    ${FAILOVER_WRAPPER:-} "$out/$program" "$@" >"$scratch/output"
    diff -u "$here/$program.expected" "$scratch/output"
    echo "$program: ok"
}

build_one() {
    case $1 in
    demo) build demo "$here"/demo/*.c ;;
    custom_health_check)
        pkg-config --exists libcjson || {
            echo "run.sh: $1 needs libcjson (apt install libcjson-dev)" >&2
            exit 1
        }
        # shellcheck disable=SC2046  # the flags are a list of words
        build "$1" "$here/$1.c" $(pkg-config --cflags --libs libcjson)
        ;;
    *) build "$1" "$here/$1.c" ;;
    esac
}

run_one() {
    [ "$1" = demo ] || start_both
    case $1 in
    demo) ${FAILOVER_WRAPPER:-} "$out/demo" ;;
    custom_provider)
        printf 'a 127.0.0.1 %s\nb 127.0.0.1 %s\n' "$dead" "$living" >"$scratch/inventory"
        run "$1" "$scratch/inventory"
        ;;
    custom_health_check)
        run "$1" "$(document ', "health_check": {"type": "custom", "interval": "5s", "timeout": "1s"}')"
        ;;
    *) run "$1" "$(document '')" ;;
    esac
}

[ $# -gt 0 ] || set -- quickstart demo
is_built=
for example; do
    case $example in
    build)
        for program in quickstart custom_provider custom_health_check events demo; do
            build_one "$program"
        done
        is_built=yes
        ;;
    quickstart | custom_provider | custom_health_check | events | demo)
        [ -n "$is_built" ] || build_one "$example"
        run_one "$example"
        ;;
    *)
        echo "run.sh: unknown example: $example" >&2
        exit 2
        ;;
    esac
done
