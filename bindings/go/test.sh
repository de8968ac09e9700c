#!/usr/bin/env bash
# Runs the whole suite of the Go binding.
#
#   test.sh [PART]     PART: lint, test, race, checked, dynamic, oldest, loggers, examples, guide or package;
#                      else all of them
#
#   lint      gofmt, go vet, and that the module has no dependency
#   test      the tests, conformance among them; ten times with FAILOVER_SOAK=1, for what happens seldom
#   race      the same with the race detector
#   checked   the same with the runtime's checks of every pointer that crosses to C
#   dynamic   the tests again, against an installed shared library
#   oldest    the tests again, with the oldest release of Go that go.mod allows
#   loggers   that the loggers which most programs have fit as they are
#   examples  the programs of examples/go, compared with what they should print
#   guide     every block of code in docs/guides/go.md, and that of README.md
#   package   the module as users install it
#
# The binding itself is built first. Only `oldest` and `loggers` fetch anything, the first time: that release
# of Go, and the loggers.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
if ! command -v go >/dev/null; then
    echo "test.sh: go is not on the PATH" >&2
    exit 1
fi
"$here/build.sh" >/dev/null
cd "$here"

proxy=$(go env GOPROXY)
times=1
[[ ${FAILOVER_SOAK:-} != 1 ]] || times=10
export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local

lint() {
    local wrong
    wrong=$(gofmt -l . "$root/examples/go")
    if [[ -n $wrong ]]; then
        echo "gofmt: $wrong" >&2
        return 1
    fi
    go vet ./...
    (cd "$root/examples/go" && go vet ./...)
    if grep -q '^require' go.mod; then
        echo "go.mod: the module is to have no dependency" >&2
        return 1
    fi
    wrong=$(grep -l '^import "C"' -r --include='*.go' . | grep -v '^\./ffi[a-z_]*\.go$' || true)
    if [[ -n $wrong ]]; then
        echo "import \"C\": only ffi*.go know C, not $wrong" >&2
        return 1
    fi
    # No function of Go's is ever called by C, on no thread.
    if grep -n '^//export' -r --include='*.go' .; then
        echo "//export: C is not to call back" >&2
        return 1
    fi
}

suite() {
    go test -timeout 10m "$@" ./...
}

dynamic() {
    local prefix
    prefix=$(mktemp -d)
    "$root/bindings/c/install.sh" "$prefix" >/dev/null
    # What pkg-config says is not part of Go's cache key, so an older prefix would be linked again.
    CGO_LDFLAGS="-L$prefix/lib" PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib suite -count=1 -tags failover_dynamic
    rm -rf "$prefix"
}

oldest() {
    local version
    version=go$(sed -n 's/^go //p' go.mod).0
    if ! GOTOOLCHAIN=$version GOPROXY=$proxy go version; then
        echo "oldest: $version can't be fetched from $proxy" >&2
        return 1
    fi
    GOTOOLCHAIN=$version GOPROXY=$proxy suite -count=1
}

loggers() {
    cd loggers
    GOFLAGS=-mod=readonly GOPROXY=$proxy go mod download
    GOFLAGS=-mod=readonly go vet .
    GOFLAGS=-mod=readonly go test -count=1 .
    cd ..
}

part() {
    echo "go: $1"
    case $1 in
    lint) lint ;;
    test) suite -count="$times" -timeout 30m ;;
    race) suite -count=1 -race ;;
    checked) GOEXPERIMENT=cgocheck2 suite -count=1 ;;
    dynamic) dynamic ;;
    oldest) oldest ;;
    loggers) loggers ;;
    examples) "$root/examples/go/run.sh" check ;;
    guide) "$here/guide.sh" ;;
    package) "$here/package.sh" ;;
    *)
        echo "test.sh: no part $1" >&2
        return 2
        ;;
    esac
}

if [[ $# -gt 0 ]]; then
    part "$1"
else
    for one in lint test race checked dynamic oldest loggers examples guide package; do
        part "$one"
    done
fi
