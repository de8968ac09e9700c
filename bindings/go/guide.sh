#!/usr/bin/env bash
# Compiles, vets and runs every Go block of README.md and docs/guides/go.md.
#
#   guide.sh
#
# A block shows what matters; what it leaves out is in guide/main.go.in, where a line `//= FILE NUMBER`
# stands for a block: the NUMBERth in FILE. A block that no line stands for is an error, so that no new one
# is forgotten.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
"$here/build.sh" >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints one block.
block() { # PAGE NUMBER
    awk -v wanted="$2" '
        /^```/ { inside = !inside; if (inside) counted += $0 == "```go"; shown = inside && $0 == "```go"; next }
        shown && counted == wanted { print; found = 1 }
        END { exit !found }' "$root/$1"
}

blocks=0
for page in README.md docs/guides/go.md; do
    count=$(grep -cx '```go' "$root/$page" || true)
    if [[ $count -eq 0 ]]; then
        echo "guide.sh: $page has no Go block" >&2
        exit 1
    fi
    for ((number = 1; number <= count; number++)); do
        grep -qx "//= $page $number" "$here/guide/main.go.in" ||
            { echo "guide.sh: block $number of $page is not tested" >&2; exit 1; }
    done
    blocks=$((blocks + count))
done
while IFS= read -r line; do
    if [[ $line =~ ^//=\ ([^ ]+)\ ([0-9]+)$ ]]; then
        page=${BASH_REMATCH[1]} number=${BASH_REMATCH[2]}
        block "$page" "$number" || { echo "guide.sh: $page has no block $number" >&2; exit 1; }
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
echo "guide: $blocks blocks of README.md and docs/guides/go.md compile and run"
