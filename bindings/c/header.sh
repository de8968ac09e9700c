#!/usr/bin/env bash
# Generates include/failover.h from ffi/src with the pinned cbindgen.
#
#   header.sh            write include/failover.h
#   header.sh --check    compare with it, and fail if it differs
#   header.sh OUT        write OUT
set -euo pipefail

readonly CBINDGEN=0.29.4
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mode=${1:-$root/include/failover.h}
tool=$(cd "$root" && tools/cargo-tool.sh cbindgen "$CBINDGEN")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
sed "s/@VERSION@/$version/" "$root/ffi/cbindgen.toml" >"$work/cbindgen.toml"
"$tool" --quiet --config "$work/cbindgen.toml" --output "$work/raw.h" "$root/ffi"
# What Rust calls "Safety" only repeats the arguments' own lines.
awk '/^ \*$/ { held = held $0 "\n"; next }
     /^ \* # Safety$/ { held = ""; skip = 1; next }
     /^ \*\/$/ { skip = 0; held = "" }
     skip { held = ""; next }
     { printf "%s%s\n", held, $0; held = "" }' "$work/raw.h" >"$work/failover.h"

if [[ $mode == --check ]]; then
    if ! diff -u "$root/include/failover.h" "$work/failover.h"; then
        echo "include/failover.h differs from ffi/src: run 'make header' and commit the result" >&2
        exit 1
    fi
    echo "header: no drift"
else
    mkdir -p "$(dirname "$mode")"
    cp "$work/failover.h" "$mode"
fi
