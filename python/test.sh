#!/usr/bin/env bash
# Runs the whole suite of Python: types, tests, scenarios, examples; the tests on every Python from 3.10 to
# 3.13 that is here.
#
# usage: test.sh [PART]      PART: only tests whose name contains it, on one Python
#
#   FAILOVER_SOAK=1    the tests that are told by number at their full length
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export PYTHONDONTWRITEBYTECODE=1
# No proxy of the environment may carry requests for 127.0.0.1 off this machine.
export no_proxy='*' NO_PROXY='*'
python=$("$here/build.sh")
cd "$here/tests"

tests() { # PYTHON [ARGUMENT...]
    "$1" -X faulthandler -m pytest -q -p no:cacheprovider "${@:2}"
}

if [[ -n ${1:-} ]]; then
    tests "$python" -k "$1"
    exit
fi

# In a folder of its own: the types are those of the installed package, not of the source beside it.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$here/tests/typed/sample.py" "$scratch"
(
    cd "$scratch"
    export MYPY_CACHE_DIR=$CARGO_TARGET_DIR/python/mypy
    "$python" -m mypy --strict --python-version 3.10 sample.py
    "$python" -m mypy --strict --python-version 3.10 -p failover
    "$python" -m mypy.stubtest failover._failover
)

for base in $("$here/pythons.sh"); do
    other=$("$here/build.sh" "$base")
    echo "$("$other" -V)"
    tests "$other"
done
"$root/examples/python/run.sh"
for way in sync async; do
    "$python" -m conformance "$way"
done
