#!/bin/sh
# What every test run does with the C examples: builds them all, runs the quickstart and compares
# what it prints. The demo takes its time and runs with the long tests.
exec "$(dirname -- "$0")/run.sh" build quickstart
