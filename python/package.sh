#!/usr/bin/env bash
# Builds the wheel, looks at what is in it, and runs it in an empty virtual environment: on the oldest and
# the newest Python that are here.
#
# usage: package.sh [FOLDER]      FOLDER: where to put the wheel as well
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
python=$("$here/build.sh")
wheels=("$CARGO_TARGET_DIR"/python/wheel/*.whl)
wheel=${wheels[0]}
name=$(basename "$wheel")

[[ ${#wheels[@]} -eq 1 && $name =~ ^libfailover-[0-9.]+-cp310-abi3-(manylinux|musllinux|linux).*\.whl$ ]] || {
    echo "package: expected one wheel for cp310-abi3, got $name" >&2
    exit 1
}
"$python" - "$wheel" <<'CHECK'
import json, sys, zipfile

wheel = zipfile.ZipFile(sys.argv[1])
names = wheel.namelist()
for wanted in ("failover/py.typed", "failover/_failover.pyi", "failover/_failover.abi3.so"):
    assert wanted in names, f"{wanted} is missing"
boms = [name for name in names if ".dist-info/sboms/" in name]
assert len(boms) == 1, f"expected one SBOM, got {boms}"
parts = {part["name"] for part in json.loads(wheel.read(boms[0]))["components"]}
assert {"tokio", "serde_json", "pyo3"} <= parts, "the SBOM lacks what is linked in"
metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
assert "Requires-Dist" not in metadata, "the package needs nothing at run time"
assert not [name for name in names if "test" in name.lower()], "tests are in it"
CHECK

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for base in $("$here/pythons.sh" | sed -n '1p;$p' | uniq); do
    "$here/venv.sh" "$base" "$scratch/empty"
    "$scratch/empty/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$wheel"
    "$scratch/empty/bin/python" -I "$here/../examples/python/custom_provider.py" >"$scratch/output"
    diff -u "$here/../examples/python/custom_provider.expected" "$scratch/output"
    echo "package: $name runs on $("$base" -V)"
done
if [[ -n ${1:-} ]]; then
    mkdir -p "$1"
    cp "$wheel" "$1"
fi
