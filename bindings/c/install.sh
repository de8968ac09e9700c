#!/usr/bin/env bash
# Installs what a C or C++ program needs.
#
#   install.sh PREFIX [BUILD]    PREFIX: absolute, such as /usr/local; DESTDIR is honoured.
#                                BUILD: the directory that link.sh filled; built if not given.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 || $1 != /* ]]; then
    echo "usage: install.sh PREFIX [BUILD], PREFIX an absolute path" >&2
    exit 2
fi
prefix=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${2:-$("$root/bindings/c/build.sh")}
target=${DESTDIR:-}$prefix
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}

install -d "$target/include" "$target/lib/pkgconfig" "$target/lib/cmake/Failover"
install -m 644 "$root/include/failover.h" "$root/include/failover.hpp" "$target/include"
install -m 755 "$build/libfailover.so.$version" "$target/lib"
ln -sf "libfailover.so.$version" "$target/lib/libfailover.so.$major"
ln -sf "libfailover.so.$major" "$target/lib/libfailover.so"
install -m 644 "$build/libfailover.a" "$target/lib"

fill() {
    sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" -e "s|@MAJOR@|$major|g" -e "s|@MINOR@|$minor|g" \
        "$root/bindings/c/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}
fill failover.pc "$target/lib/pkgconfig"
fill FailoverConfig.cmake "$target/lib/cmake/Failover"
fill FailoverConfigVersion.cmake "$target/lib/cmake/Failover"
