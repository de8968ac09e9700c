#!/usr/bin/env bash
# Runs the scenarios through the C header; Rust's runner is a test of core (`make conformance`).
#
#   run.sh [PART]     PART: only scenarios whose path contains it
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/runner-c/run.sh" "$@"
