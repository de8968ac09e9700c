#!/usr/bin/env bash
# Prints what the Go binding costs on the hot path, beside a bare crossing into C in the same run.
#
#   bench.sh
#
# Each figure is the least of many short runs, since whatever else the machine does only adds to it.
# FAILOVER_BENCH_CHECK=1 fails if a figure is above its bound.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/build.sh" >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
export GOTOOLCHAIN=local GOPROXY=off
go test -c -o "$work/bench" .
GOMAXPROCS=1 "$work/bench" -test.run '^$' -test.bench . -test.benchtime 20000x -test.count "${FAILOVER_BENCH_COUNT:-40}" \
    >"$work/output"

awk -v check="${FAILOVER_BENCH_CHECK:-}" '
    BEGIN {
        order = "Floor Select Pair Do DoDeadline ExecuteWithFailover DoParallel"
        text["Floor"] = "one call into C"
        text["Select"] = "Pool.Select, 100 endpoints"; bound["Select"] = 70; allocs["Select"] = 0
        text["Pair"] = "begin and end of a call, bare"
        text["Do"] = "Do of a no-op, 100 endpoints"; bound["Do"] = 300; allocs["Do"] = 1
        text["DoDeadline"] = "the same with a deadline"
        text["ExecuteWithFailover"] = "ExecuteWithFailover, policy given"
        text["DoParallel"] = "Do through RunParallel"
    }
    /ns\/op/ {
        sub(/^Benchmark/, "", $1); sub(/-[0-9]+$/, "", $1)
        if (!($1 in best) || $3 < best[$1]) best[$1] = $3
        made[$1] = $7
    }
    END {
        printf "%-36s %9s %8s   %s\n", "Go", "ns", "allocs", "bound"
        count = split(order, names, " ")
        for (i = 1; i <= count; i++) {
            name = names[i]
            limit = name in bound ? sprintf("%d ns, %d", bound[name], allocs[name]) : ""
            printf "%-36s %9.1f %8d   %s\n", text[name], best[name], made[name], limit
            if (name in bound && (best[name] > bound[name] || made[name] > allocs[name])) over = over " " name
        }
        if (over != "") print "above its bound:" over
        exit check != "" && over != ""
    }' "$work/output"
