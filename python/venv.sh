#!/usr/bin/env bash
# Makes an empty virtual environment. Debian's Python comes without what that takes: it is installed, or
# named.
#
# usage: venv.sh PYTHON FOLDER
set -euo pipefail

if ! "$1" -c 'import ensurepip' 2>/dev/null; then
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    "$(dirname "${BASH_SOURCE[0]}")/../tools/need.sh" "$package" >&2
fi
rm -rf "$2"
"$1" -m venv "$2"
