#!/bin/sh
# Runs a script of one part of the project, and says so plainly when the part is not there: a check
# that can't run has failed.
#
# usage: tools/part.sh SCRIPT [ARGUMENT...]
set -eu

if [ ! -x "$1" ]; then
    echo "$1 is not there or can't be run" >&2
    exit 1
fi
exec "$@"
