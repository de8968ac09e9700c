#!/bin/sh
# What every test run does with the C examples: builds them all, runs all but the demo and compares
# what they print. The demo takes its time and runs with the long tests.
exec "$(dirname -- "$0")/run.sh" build quickstart custom_provider custom_health_check events
