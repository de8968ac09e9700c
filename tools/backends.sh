#!/bin/sh
# Prints the path of a real server that tests need, after getting it if the machine has none.
#
# What is on PATH comes first. Else Debian's package is unpacked into the cache folder, without
# touching what the machine itself has installed or where it installs from.
#
# usage: tools/backends.sh consul
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover/backends

# Consul left Debian after bullseye; the mirror that the machine uses anyway still has that.
find_consul() {
    if command -v consul; then
        return
    fi
    folder=$cache/consul
    if [ ! -x "$folder/usr/bin/consul" ]; then
        unpack consul bullseye "$folder"
    fi
    echo "$folder/usr/bin/consul"
}

# unpack PACKAGE RELEASE FOLDER: a package of an older release, from the machine's own mirror.
unpack() {
    for tool in apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || fail "$1 is not on PATH, and neither is $tool to get it with"
    done
    # shellcheck disable=SC2016 # apt's own variables
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
        awk '$2 !~ /-/ && $1 !~ /security/ { print $1; exit }')
    [ -n "$mirror" ] || fail "$1 is not on PATH, and apt-get names no mirror of Debian to get it from"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/$1.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keys] $mirror $2 main" >"$work/sources.list"
    set -- "$1" "$3" -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache"
    package=$1 target=$2
    shift 2
    echo "unpacking $package into $target" >&2
    # A sandboxed downloader couldn't write into this user's cache folder.
    set -- "$@" -o APT::Sandbox::User=root
    if ! { apt-get update -q "$@" && (cd "$work" && apt-get download -q "$@" "$package"); } \
        >"$work/log" 2>&1; then
        cat "$work/log" >&2
        fail "$package is not on PATH and could not be downloaded"
    fi
    dpkg-deb -x "$work/$package"_*.deb "$work/files"
    # Another run may have been faster; what it unpacked is the same.
    mv -T "$work/files" "$target" 2>/dev/null || [ -d "$target" ]
}

fail() {
    echo "$*" >&2
    exit 1
}

case ${1-} in
consul) find_consul ;;
*) fail "usage: tools/backends.sh consul" ;;
esac
