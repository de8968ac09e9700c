#!/usr/bin/env bash
# Runs every example and compares what it prints with the file beside it: `quickstart.rs` with
# `quickstart.expected`. Examples in C have a script of their own, since they need servers.
set -euo pipefail
cd "$(dirname "$0")/.."

wrong=0
for source in examples/rust/*.rs; do
    name=$(basename "$source" .rs)
    printed=$(cargo run --release --quiet -p libfailover --example "$name")
    if ! diff -u "${source%.rs}.expected" - <<<"$printed"; then
        echo "$source prints something else" >&2
        wrong=1
    fi
done
if [ -x examples/c/check.sh ]; then
    examples/c/check.sh || wrong=1
fi
exit "$wrong"
