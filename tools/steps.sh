#!/usr/bin/env bash
# Runs make targets as steps, shows what failed, and counts.
#
# A step's output is shown when it fails. The last line says how many passed and failed, and the
# exit code agrees with it: a step that was asked for and has no verdict, since its lane was killed or
# the disk is full, has not passed.
#
# usage: tools/steps.sh "STEP STEP..." ["STEP..."...] [-- ...]
#   Each argument is a lane: its steps run in order, and lanes run side by side. What follows a `--`
#   begins when everything before it has passed.
set -uo pipefail

make=${MAKE:-make}
logs=$(mktemp -d) || exit 1
requested=0
trap 'rm -rf "$logs"' EXIT

run_step() {
    local step=$1 began=$SECONDS verdict=ok
    # Its own make, without this one's flags and job server: the output stays whole.
    env -u MAKEFLAGS -u MFLAGS "$make" --no-print-directory "$step" >"$logs/$step.log" 2>&1 </dev/null || verdict=FAILED
    echo "$verdict" >"$logs/$step.verdict"
    local text
    text=$(printf '%-6s %-14s %4d s' "$verdict" "$step" $((SECONDS - began)))
    if [ "$verdict" = FAILED ]; then
        # One write, so that the other lane's lines don't fall in between.
        text="$text"$'\n'"$(tail -n 200 "$logs/$step.log" | sed "s/^/$step | /")"
    fi
    printf '%s\n' "$text"
}

run_lane() {
    local step
    for step in $1; do
        run_step "$step"
    done
}

count() {
    cat "$logs"/*.verdict 2>/dev/null | grep -cx "$1"
}

# True if every step that was requested so far passed.
all_passed() {
    [ "$(count ok)" -eq "$requested" ]
}

summary() {
    local passed failed
    passed=$(count ok) failed=$(count FAILED)
    printf '%d passed, %d failed' "$passed" "$failed"
    [ $((passed + failed)) -eq "$requested" ] ||
        printf ', %d never ended' $((requested - passed - failed))
    printf '\n'
    if [ "$requested" -eq 0 ] || ! all_passed; then
        exit 1
    fi
}

for lane; do
    if [ "$lane" = -- ]; then
        wait
        all_passed || summary
    else
        read -ra steps <<<"$lane"
        requested=$((requested + ${#steps[@]}))
        run_lane "$lane" &
    fi
done
wait
summary
