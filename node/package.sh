#!/usr/bin/env bash
# Packs the Node package and that of its platform, installs both into an empty folder without a network,
# and runs a sample of each kind there: ESM, CommonJS, TypeScript.
#
#   package.sh
#
# Prints where the two tarballs are.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
out=$("$here/build.sh")
version=$(node -p "require('$here/package.json').version")
crate=$(cd "$root" && cargo metadata --no-deps --format-version 1 --offline |
    node -p "JSON.parse(require('fs').readFileSync(0)).packages.find((one) => one.name === 'failover-node').version")
[[ $version == "$crate" ]] || { echo "package.sh: package.json says $version, the crate $crate" >&2; exit 1; }
platform=linux-x64-gnu
addon=failover.$platform.node
made=$out/tarballs
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rm -rf "$made"
mkdir -p "$made" "$scratch/root" "$scratch/platform" "$scratch/empty"

# The root package has no addon of its own; the platform's has nothing else.
cp -r "$out/package/dist" "$out/package/package.json" "$root/LICENSE" "$here/package/README.md" "$scratch/root/"
cp "$out/package/$addon" "$root/LICENSE" "$scratch/platform/"
node "$here/package/platform.mjs" "$here/package.json" "$platform" "$addon" >"$scratch/platform/package.json"
for part in root platform; do
    (cd "$scratch/$part" && npm pack --silent --pack-destination "$made") >/dev/null
done
tarballs=("$made/libfailover-$version.tgz" "$made/libfailover-$platform-$version.tgz")
for tarball in "${tarballs[@]}"; do
    [[ -s $tarball ]] || { echo "package.sh: $tarball is missing" >&2; exit 1; }
done

# Nothing may be fetched: there is no runtime dependency.
cd "$scratch/empty"
echo '{ "name": "consumer", "private": true }' >package.json
npm install --silent --no-audit --no-fund --offline "${tarballs[@]}"
installed=$(find node_modules -name package.json -path '*libfailover*' | wc -l)
[[ $installed -eq 2 && $(find node_modules -name package.json | wc -l) -eq 2 ]] || {
    echo "package.sh: more was installed than the two packages" >&2
    exit 1
}
[[ ! -e node_modules/libfailover/$addon ]] || { echo "package.sh: the root package has an addon" >&2; exit 1; }

cp "$here"/package/sample.* .
expected="hello from b, attempts: 2"
check() {
    local said
    said=$("$@")
    [[ $said == "$expected" ]] || { echo "package.sh: $*: expected \"$expected\", got \"$said\"" >&2; exit 1; }
    echo "package.sh: $*: ok" >&2
}
check node sample.mjs
check node sample.cjs
"$out/tools/node_modules/.bin/tsc" --strict --target es2022 --lib es2023,esnext.disposable --module node16 \
    --moduleResolution node16 --outDir compiled --typeRoots "$out/tools/node_modules/@types" --types node \
    --pretty false sample.mts >&2
check node compiled/sample.mjs
printf '%s\n' "${tarballs[@]}"
