#!/usr/bin/env bash
# The long C tests: thousands of processes that leave without close, thousands of forks.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FAILOVER_PROCESSES=${FAILOVER_PROCESSES:-3000} FAILOVER_FORKS=${FAILOVER_FORKS:-1000} \
    "$here/run.sh" fork leave memory
