#!/usr/bin/env bash
# Builds the Node package into the cache, and prints the directory that holds it.
#
#   build.sh
#
# The directory is ${FAILOVER_NODE_BUILD:-$CARGO_TARGET_DIR/node}: `package` is the package with the addon
# beside it, `node_modules/libfailover` points there, and `tools` holds the compiler. Programs below that
# directory find the package by its name.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
out=${FAILOVER_NODE_BUILD:-$CARGO_TARGET_DIR/node}
for tool in node npm; do
    command -v "$tool" >/dev/null || { echo "build.sh: needs $tool on the PATH (Node 20 or later)" >&2; exit 1; }
done
mkdir -p "$out/node_modules" "$out/tools"

# One at a time: steps that run beside each other share the directory.
exec 9>"$out/.lock"
flock 9
(cd "$root" && cargo build --release --quiet -p failover-node) >&2

# The compiler, in its pinned version; nothing is installed into the clone or the system.
if ! cmp -s "$here/tools/package.json" "$out/tools/.installed"; then
    cp "$here/tools/package.json" "$out/tools/package.json"
    (cd "$out/tools" && npm install --no-package-lock --no-audit --no-fund --loglevel=error) >&2
    cp "$here/tools/package.json" "$out/tools/.installed"
fi

addon=$CARGO_TARGET_DIR/release/libfailover_node.so
stamp=$(cat "$addon" "$here"/lib/*.ts "$here"/*.json "$here/build.sh" "$here/package/entry.mjs" | sha256sum)
if [[ $(cat "$out/.stamp" 2>/dev/null) != "$stamp" ]]; then
    rm -rf "$out/package.new"
    mkdir -p "$out/package.new"
    cp "$here/package.json" "$out/package.new/"
    ln -sfn "$out/tools/node_modules" "$out/package.new/node_modules"
    "$out/tools/node_modules/.bin/tsc" -p "$here/tsconfig.json" --outDir "$out/package.new/dist" \
        --typeRoots "$out/tools/node_modules/@types" >&2
    rm "$out/package.new/node_modules"
    node "$here/package/entry.mjs" "$out/package.new" >&2
    strip --strip-debug -o "$out/package.new/failover.linux-x64-gnu.node" "$addon"
    rm -rf "$out/package"
    mv "$out/package.new" "$out/package"
    echo "$stamp" >"$out/.stamp"
fi
ln -sfn ../package "$out/node_modules/libfailover"
echo "$out"
