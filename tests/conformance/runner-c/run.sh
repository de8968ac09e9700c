#!/usr/bin/env bash
# Builds the C runner against the static library and runs every scenario.
#
#   run.sh [PART]     PART: only scenarios whose path contains it
#
# Needs a C compiler and cJSON (Debian: libcjson-dev).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=$("$root/bindings/c/build.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -std=gnu11 -O1 -g -Wall -Wextra -Werror -I"$root/include" "$here"/*.c -o "$work/runner" \
    "$build/libfailover.a" -lcjson -lpthread -ldl -lm
"$work/runner" "$root/tests/conformance/scenarios" "$@"
