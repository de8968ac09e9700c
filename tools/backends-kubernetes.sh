#!/bin/sh
# Prints the folder that holds kube-apiserver and etcd for the tests, after getting them if needed.
#
# What $KUBEBUILDER_ASSETS or PATH has is used. Else the API server is built from its published Go
# modules at the versions of tests/backends-kubernetes/go.mod (minutes, once), and etcd is taken out
# of Debian's package without installing it. Both stay in the cache folder; nothing is started.
#
# usage: tools/backends-kubernetes.sh
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover/backends

# has FOLDER: both programs are in it.
has() {
    [ -x "$1/kube-apiserver" ] && [ -x "$1/etcd" ]
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ] && has "$KUBEBUILDER_ASSETS"; then
    echo "$KUBEBUILDER_ASSETS"
    exit 0
fi

version=$(sed -n 's,^[[:space:]]*k8s\.io/kubernetes v\([0-9.]*\).*,\1,p' \
    "$root/tests/backends-kubernetes/go.mod")
folder=$cache/kubernetes-$version
mkdir -p "$folder"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# A program is moved into the folder when it is whole, so that a run that was stopped leaves none.
keep() {
    mv "$1" "$folder/$2"
}

if [ ! -x "$folder/kube-apiserver" ]; then
    if found=$(command -v kube-apiserver); then
        ln -s "$found" "$folder/kube-apiserver"
    else
        echo "building kube-apiserver $version: some minutes, once" >&2
        (cd "$root/tests/backends-kubernetes" && GOFLAGS=-mod=readonly CGO_ENABLED=0 nice -n 15 \
            go build -trimpath -ldflags '-s -w' -o "$work/kube-apiserver" \
            k8s.io/kubernetes/cmd/kube-apiserver) >&2
        keep "$work/kube-apiserver" kube-apiserver
    fi
fi

if [ ! -x "$folder/etcd" ]; then
    if found=$(command -v etcd); then
        ln -s "$found" "$folder/etcd"
    else
        echo "fetching etcd" >&2
        # A fresh machine has no package lists yet.
        (cd "$work" && { apt-get download -q etcd-server ||
            { apt-get update -q && apt-get download -q etcd-server; }; }) >"$work/log" 2>&1 ||
            { cat "$work/log" >&2; echo "could not fetch etcd-server" >&2; exit 1; }
        dpkg-deb -x "$work"/etcd-server_*.deb "$work/etcd-server"
        keep "$work/etcd-server/usr/bin/etcd" etcd
    fi
fi

echo "$folder"
