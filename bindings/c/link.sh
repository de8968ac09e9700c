#!/usr/bin/env bash
# Makes the libraries that C programs link from the static archive that cargo builds.
#
#   link.sh ARCHIVE OUT      ARCHIVE: libfailover_ffi.a; OUT: a directory outside of the tree, gets
#                            libfailover.so{,.0,.VERSION}, libfailover.a, failover.map, symbols.txt
#
# Shared: cargo's own shared libraries can't carry a version script (rust-lld drops it without a
# word), so the archive is linked whole by the C compiler. Static: two Rust archives in one program
# collide (rust_eh_personality), so every symbol but ours is made local, in one relocatable object;
# grouping must be resolved, or a panic could reach an unwinder table that was thrown away.
set -euo pipefail

if [[ $# -ne 2 ]]; then
    echo "usage: link.sh ARCHIVE OUT" >&2
    exit 2
fi
archive=$1
out=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cc=${CC:-cc}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
soname=libfailover.so.${version%%.*}
mkdir -p "$out"

# The header is the list of what is exported.
sed -n '/^FAILOVER_API/,/;/p' "$root/include/failover.h" | grep -oE '\bfailover_[a-z0-9_]+\(' |
    tr -d '(' | sort -u >"$out/symbols.txt"
if [[ -n ${FAILOVER_EXTRA_SYMBOLS:-} ]]; then
    tr ' ' '\n' <<<"$FAILOVER_EXTRA_SYMBOLS" >>"$out/symbols.txt"
fi
{
    echo "FAILOVER_${version%%.*} {"
    echo "  global:"
    sed 's/.*/    &;/' "$out/symbols.txt"
    echo "  local: *;"
    echo "};"
} >"$out/failover.map"

"$cc" -shared -o "$out/libfailover.so.$version" \
    -Wl,--whole-archive "$archive" -Wl,--no-whole-archive \
    -Wl,--version-script="$out/failover.map" -Wl,-soname,"$soname" \
    -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,-z,defs -Wl,--gc-sections -Wl,--as-needed \
    -lpthread -ldl -lm
strip --strip-unneeded "$out/libfailover.so.$version"
ln -sf "libfailover.so.$version" "$out/$soname"
ln -sf "$soname" "$out/libfailover.so"

# Only what our functions reach is kept, before names are made local.
keep=()
while read -r symbol; do
    keep+=(-u "$symbol")
done <"$out/symbols.txt"
ld -r --gc-sections --force-group-allocation "${keep[@]}" -o "$out/failover.o" \
    --whole-archive "$archive" --no-whole-archive
# The standard library's bitcode would only confuse ar's plugins. A second pass drops undefined names
# that nothing refers to any more: what was weak would come out strong, and fail another's link.
objcopy --wildcard -G 'failover_*' -G 'DW.ref.*' --strip-debug \
    -R .llvmbc -R .llvmcmd -R .comment "$out/failover.o" "$out/local.o"
rm -f "$out/libfailover.a"
objcopy --strip-unneeded "$out/local.o" "$out/failover.o"
rm -f "$out/local.o"
ar rcsD "$out/libfailover.a" "$out/failover.o"
rm -f "$out/failover.o"
