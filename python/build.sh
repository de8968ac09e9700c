#!/usr/bin/env bash
# Builds the wheel and installs it, with the tools of the tests, into a virtual environment in the cache.
# Prints the environment's Python.
#
# usage: build.sh [PYTHON]       PYTHON: the interpreter; default: see pythons.sh
#
# The wheel is in $CARGO_TARGET_DIR/python/wheel; it is the same for every version of Python.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
out=$CARGO_TARGET_DIR/python
base=$("$here/pythons.sh" first)
python=${1:-$base}
mkdir -p "$out"

# One at a time: steps that run beside each other share the directory.
exec 9>"$out/.lock"
flock 9

# Makes an environment with the tools, unless it has them already.
environment() { # PYTHON FOLDER
    local stamp
    stamp="$("$1" -V) $(sha256sum <"$here/tools.txt")"
    if [[ $(cat "$2/.stamp" 2>/dev/null) != "$stamp" ]]; then
        "$here/venv.sh" "$1" "$2"
        "$2/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/tools.txt"
        echo "$stamp" >"$2/.stamp"
    fi
}

folder() { # PYTHON
    echo "$out/venv-$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
}

{
    environment "$base" "$(folder "$base")"
    rm -rf "$out/wheel"
    (cd "$here" && "$(folder "$base")/bin/maturin" build --quiet --release --strip \
        --interpreter "$(folder "$base")/bin/python" --out "$out/wheel")
    environment "$python" "$(folder "$python")"
    "$(folder "$python")/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
        --no-deps --force-reinstall "$out"/wheel/*.whl
} >&2
echo "$(folder "$python")/bin/python"
