#!/usr/bin/env bash
# Puts the static library and its header where cgo finds them, and prints that directory.
#
#   build.sh
#
# The directory is bindings/go/lib/linux_amd64, which git ignores; what leads there is built in the
# cache (bindings/c/build.sh). After it any Go program that uses this module builds without settings.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$root/bindings/go/lib/linux_amd64
if [[ $(uname -sm) != "Linux x86_64" ]]; then
    echo "build.sh: there is an archive for Linux on x86-64 only; elsewhere use the tag failover_dynamic" >&2
    exit 1
fi
built=$("$root/bindings/c/build.sh")
digest=$(cat "$built/libfailover.a" "$root/include/failover.h" | sha256sum | cut -c 1-32)

# The go command doesn't look into archives: a file that changes with it makes it link again. It comes
# last, so that an interrupted run is done over.
stamp="package linux_amd64

// Digest names the archive that lies beside this file.
const Digest = \"$digest\""
if [[ ! -e $out/libfailover.a || $(cat "$out/stamp.go" 2>/dev/null) != "$stamp" ]]; then
    install -m 644 "$built/libfailover.a" "$root/include/failover.h" "$out/"
    echo "$stamp" >"$out/.stamp.$$"
    mv "$out/.stamp.$$" "$out/stamp.go"
fi
echo "$out"
