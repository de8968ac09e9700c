#!/bin/sh
# Prints the path of a development tool, after installing exactly this version of it if needed.
#
# Tools are kept in the cache folder by name, version and compiler, so that no clone and no other
# project disturbs them.
#
# usage: tools/cargo-tool.sh CRATE VERSION
set -eu

crate=$1 version=$2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
compiler=$(rustc --version | cut -d ' ' -f 2)
root=$cache/tools/$crate-$version-$compiler

if [ ! -x "$root/bin/$crate" ]; then
    echo "installing $crate $version" >&2
    CARGO_TARGET_DIR=$cache/tools-target \
        cargo install --locked --quiet --version "$version" --root "$root" "$crate" >&2
fi
echo "$root/bin/$crate"
