#!/usr/bin/env bash
# Runs every scenario in every language, and prints how each area fared in each.
#
#   matrix.sh [PART]     PART: only scenarios whose path contains it
#
# The last line is `conformance: scenarios=N runners=M failed=F`; exits 0 only if F is 0 and every
# runner ran the same scenarios, as many as there are files.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
part=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export FAILOVER_REPORT=$work/report

# A runner says on its own what failed; its last line is only shown then.
run() {
    if ! "$@" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        echo "conformance: '$*' failed" >&2
        touch "$work/broken"
    fi
}

run env CONFORMANCE="$part" cargo test --quiet --release -p libfailover --test conformance
run tests/conformance/run.sh ${part:+"$part"}
run bindings/go/conformance.sh ${part:+"$part"}
run python/conformance.sh ${part:+"$part"}
run node/conformance.sh ${part:+"$part"}

files=$(find tests/conformance/scenarios -type f -path "*$part*" | wc -l)
touch "$FAILOVER_REPORT"
awk -F '\t' -v files="$files" '
    BEGIN { wanted = split("rust c go python python-async node", runners, " ") }
    { passed[$2, $1] += $3; failed[$2, $1] += $4; ran[$1] += $3 + $4; bad += $4; areas[$2] }
    END {
        printf "%-16s", "area"
        for (i = 1; i <= wanted; i++) printf " %13s", runners[i]
        print ""
        sorted = "sort"
        for (area in areas) {
            line = sprintf("%-16s", area)
            for (i = 1; i <= wanted; i++) {
                lost = failed[area, runners[i]]
                all = passed[area, runners[i]] + lost
                line = line sprintf(" %13s", lost ? lost " of " all " bad" : all)
            }
            print line | sorted
        }
        close(sorted)
        for (i = 1; i <= wanted; i++) {
            if (ran[runners[i]]) present++
            if (ran[runners[i]] != files) {
                printf "%s ran %d of %d scenarios\n", runners[i], ran[runners[i]], files
                uneven = 1
            }
        }
        printf "conformance: scenarios=%d runners=%d failed=%d\n", files, present, bad
        exit bad || uneven || !files
    }' "$FAILOVER_REPORT"
[ ! -e "$work/broken" ]
