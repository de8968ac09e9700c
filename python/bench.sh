#!/usr/bin/env bash
# Measures picks and calls in Python next to their floors, and prints one table.
#
# usage: bench.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/build.sh")
PYTHONDONTWRITEBYTECODE=1 exec "$python" -I "$here/tests/bench.py"
