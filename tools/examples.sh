#!/usr/bin/env bash
# Runs every example and compares what it prints with the file beside it: `quickstart.rs` with
# `quickstart.expected`. Each is compiled as a program that has the library and nothing else.
# Examples in C have a script of their own, since they need servers.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
release=${CARGO_TARGET_DIR:-$cache/target}/release
export CARGO_TARGET_DIR=${release%/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release --quiet -p libfailover

wrong=0
for source in examples/rust/*.rs; do
    name=$(basename "$source" .rs)
    rustc --edition 2024 -D warnings -o "$work/$name" "$source" \
        -L dependency="$release/deps" --extern failover="$release/libfailover.rlib"
    printed=$("$work/$name")
    if ! diff -u "${source%.rs}.expected" - <<<"$printed"; then
        echo "$source prints something else" >&2
        wrong=1
    fi
done
tools/part.sh examples/c/check.sh || wrong=1
exit "$wrong"
