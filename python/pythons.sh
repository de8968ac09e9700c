#!/usr/bin/env bash
# Prints the Pythons of this machine that the package runs on (CPython 3.10 to 3.13), one path for each
# version, the newest first. Names those that are missing on standard error.
#
# usage: pythons.sh [first]      first: only the one to build with
#
#   FAILOVER_PYTHON    the one to build with; default: python3 if it is of such a version, else the newest
set -euo pipefail

is_fit='import sys; sys.exit(not (sys.implementation.name == "cpython" and (3, 10) <= sys.version_info[:2]))'
fits() { "$1" -c "$is_fit" >/dev/null 2>&1; }

# Where the interpreter itself lies, not a shim of it.
real() { "$1" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'; }

find_all() {
    local version candidate
    for version in 3.13 3.12 3.11 3.10; do
        for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python; do
            if candidate=$(command -v "$candidate") && fits "$candidate"; then
                real "$candidate"
                continue 2
            fi
        done
        echo "python: no CPython $version here" >&2
    done
}

if [[ ${1:-} != first ]]; then
    find_all
    exit
fi
for candidate in ${FAILOVER_PYTHON:-python3 $(find_all 2>/dev/null)}; do
    if command -v "$candidate" >/dev/null && fits "$candidate"; then
        real "$candidate"
        exit
    fi
done
echo "python: CPython 3.10 or newer is needed, as python3 on the PATH or named by FAILOVER_PYTHON" >&2
exit 1
