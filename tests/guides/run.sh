#!/usr/bin/env bash
# Compiles every Rust and C block of the README and the guides, and runs all but the endless loop of the
# machine in C. The configuration in TOML is read by the Rust program.
#
# A block shows what matters and leaves out what doesn't: declarations, a client, a server. That is in
# `rust.rs` and `c.c` here, where a line `//= FILE NUMBER` stands for a block: the NUMBERth of its
# language in FILE. A block that no line stands for is an error, so that no new one is forgotten.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
pages=(README.md docs/guides/*.md)

# Prints block NUMBER of a language in a page.
block() { # LANGUAGE PAGE NUMBER
    awk -v fence="\`\`\`$1" -v wanted="$3" '
        /^```/ { inside = !inside; if (inside) counted += $0 == fence; shown = inside && $0 == fence; next }
        shown && counted == wanted { print; found = 1 }
        END { exit !found }' "$2"
}

# Fills a program's blocks in.
fill() { # LANGUAGE PROGRAM
    local line page number
    while IFS= read -r line; do
        if [[ $line =~ ^[[:space:]]*//=\ ([^ ]+)\ ([0-9]+)$ ]]; then
            page=${BASH_REMATCH[1]} number=${BASH_REMATCH[2]}
            block "$1" "$page" "$number" || { echo "$page has no $1 block $number" >&2; return 1; }
        else
            printf '%s\n' "$line"
        fi
    done <"$2"
}

# Fails if a page has a block that the program leaves out.
complete() { # LANGUAGE PROGRAM
    local page count number
    for page in "${pages[@]}"; do
        count=$(grep -cx "\`\`\`$1" "$page" || true)
        for ((number = 1; number <= count; number++)); do
            grep -qE "^ *//= $page $number\$" "$2" || { echo "$page: $1 block $number is not tested" >&2; return 1; }
        done
    done
}

cargo build --release --quiet -p libfailover -p failover-ffi
complete rust "$here/rust.rs"
fill rust "$here/rust.rs" >"$work/guide.rs"
block toml docs/guides/rust.md 1 >"$work/policy.toml"
printf '[[endpoints]]\nid = "a"\naddress = "127.0.0.1"\nport = 1\n' >"$work/servers.toml"
rustc --edition 2024 -A unused -o "$work/guide-rust" "$work/guide.rs" \
    -L dependency="$CARGO_TARGET_DIR/release/deps" \
    --extern failover="$CARGO_TARGET_DIR/release/libfailover.rlib"
(cd "$work" && ./guide-rust)

complete c "$here/c.c"
fill c "$here/c.c" >"$work/guide.c"
build=$("$root/bindings/c/build.sh")
"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -Wno-unused-parameter -I include -o "$work/guide-c" \
    "$work/guide.c" "$build/libfailover.a" -lpthread -ldl -lm
"$work/guide-c"
echo "guides: every block compiles, and what can end runs"
