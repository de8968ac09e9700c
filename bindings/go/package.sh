#!/usr/bin/env bash
# Makes the module as a zip with its archive, and uses it as a stranger would.
#
#   package.sh
#
# The folder ${FAILOVER_GO_PACKAGE:-$CARGO_TARGET_DIR/go} becomes a module proxy (GOPROXY=file://…). A
# program outside of the tree gets the module from there, into an empty module cache, and is built and run,
# also from a vendor folder. The last line is where the zip is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/libfailover/target}
proxy=${FAILOVER_GO_PACKAGE:-$CARGO_TARGET_DIR/go}
module=github.com/libfailover/libfailover/bindings/go
version=v$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
"$here/build.sh" >/dev/null
export GOTOOLCHAIN=local GOFLAGS='-mod=mod -modcacherw' GOWORK=off
rm -rf "$proxy/github.com/libfailover"
(cd "$here" && go run package/zip.go "$here" "$proxy" "$version")
zip=$proxy/$module/@v/$version.zip

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/consumer"
cd "$work/consumer"
# The proxy is all there is: any other module would not be found.
export GOPROXY=file://$proxy GONOSUMDB='*' GONOSUMCHECK=1 GOMODCACHE=$work/modules
go mod init consumer >/dev/null 2>&1
cp "$root/examples/go/quickstart/main.go" .
go get "$module@$version" >/dev/null 2>&1
go vet .
go run . >"$work/output"
diff -u "$root/examples/go/quickstart/expected" "$work/output"
go mod vendor
GOFLAGS=-mod=vendor GOPROXY=off go build -o "$work/vendored" .
"$work/vendored" | diff -u "$root/examples/go/quickstart/expected" -
if [[ $(go list -m all | wc -l) -ne 2 ]]; then
    echo "package.sh: the module brings others along" >&2
    exit 1
fi
echo "go module: $version, $(($(stat -c %s "$zip") / 1024)) KiB, builds and runs outside of the tree"
echo "$zip"
