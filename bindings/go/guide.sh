#!/usr/bin/env bash
# Compiles, vets and runs every Go block of docs/guides/go.md.
#
#   guide.sh
#
# A block shows what matters; what it leaves out is in guide/main.go.in, where a line `//= NUMBER` stands
# for a block. A block that no line stands for is an error, so that no new one is forgotten.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
page=$here/../../docs/guides/go.md
"$here/build.sh" >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints one block.
block() { # NUMBER
    awk -v wanted="$1" '
        /^```/ { inside = !inside; if (inside) counted += $0 == "```go"; shown = inside && $0 == "```go"; next }
        shown && counted == wanted { print; found = 1 }
        END { exit !found }' "$page"
}

count=$(grep -cx '```go' "$page")
for ((number = 1; number <= count; number++)); do
    grep -qx "//= $number" "$here/guide/main.go.in" || { echo "guide.sh: block $number is not tested" >&2; exit 1; }
done
while IFS= read -r line; do
    if [[ $line =~ ^//=\ ([0-9]+)$ ]]; then
        block "${BASH_REMATCH[1]}" || { echo "guide.sh: there is no block ${BASH_REMATCH[1]}" >&2; exit 1; }
    else
        printf '%s\n' "$line"
    fi
done <"$here/guide/main.go.in" >"$work/main.go"
module=github.com/libfailover/libfailover/bindings/go
printf 'module guide\n\ngo 1.24\n\nrequire %s v0.0.0\n\nreplace %s => %s\n' "$module" "$module" "$here" >"$work/go.mod"
cd "$work"
export GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-mod=mod
go vet .
go run . >/dev/null 2>output || { cat output >&2; exit 1; }
echo "guide: $count blocks compile and run"
