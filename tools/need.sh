#!/bin/sh
# Makes sure that Debian packages are there: installs them as root, else names them and stops.
#
# usage: tools/need.sh PACKAGE...
set -eu

missing=
for package; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=absent
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

# Not Debian: what is called differently there can't be told from what is missing.
if ! command -v apt-get >/dev/null; then
    echo "needed, under the names of Debian 12:$missing" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "needed:$missing" >&2
    echo "install them as root: apt-get install$missing" >&2
    exit 1
fi

# A fresh machine has no package lists yet, and an old one may have outdated ones.
install() {
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}
echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! install >"$log" 2>&1 && ! { apt-get update -q && install; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "could not install:$missing" >&2
    exit 1
fi
