#!/usr/bin/env bash
# Checks the C ABI from outside: header, symbols, signatures, layouts, misuse, leaks, forks, signals,
# linking and an installed copy. Prints one line for each check, and stops at the first that fails.
#
#   run.sh [CHECK...]     all checks, or those named: header symbols functions size layout matrix
#                         programs wrapper memory hot fork leave coexist installed
#
# Needs a C and a C++ compiler, binutils, pkg-config, cmake, valgrind, strace.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfailover
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
cc=${CC:-cc}
cxx=${CXX:-c++}
system=(-lpthread -ldl -lm)
strict=(-Wall -Wextra -Wpadded -pedantic -Werror)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=$("$root/bindings/c/build.sh")

say() { printf 'abi: %-10s %s\n' "$1" "$2"; }
fail() {
    echo "abi: $1: $2" >&2
    exit 1
}

# Compiles one test against the static archive.
compile() {
    "$cc" -std=gnu11 -O1 -g -Wall -Wextra -Werror -I"$root/include" -I"$here" "$here/$1.c" \
        -o "$work/$1" "$build/libfailover.a" "${system[@]}"
}

check_header() {
    "$root/bindings/c/header.sh" --check >/dev/null
    say header "is what ffi says"
}

check_symbols() {
    local stray
    nm -D --defined-only "$build/libfailover.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
        sort >"$work/exported.txt"
    diff "$build/symbols.txt" "$work/exported.txt" || fail symbols "the shared library exports others"
    if nm -D --defined-only "$build/libfailover.so" | grep -v '@@FAILOVER_0$' | grep -v ' A FAILOVER_0$'; then
        fail symbols "a symbol has no version"
    fi
    nm -g --defined-only "$build/libfailover.a" | awk 'NF == 3 { print $3 }' |
        grep -v '^DW\.ref\.' | sort -u >"$work/static.txt"
    diff "$build/symbols.txt" "$work/static.txt" || fail symbols "the static library exports others"
    stray=$(grep -v '^failover_' "$build/symbols.txt" || true)
    [[ -z $stray ]] || fail symbols "not ours: $stray"
    # What stands in a comment is no call.
    "$cc" -fpreprocessed -dD -E -P "$here/negative.c" >"$work/calls.txt"
    while read -r symbol; do
        grep -q "\b$symbol(" "$work/calls.txt" || fail symbols "negative.c doesn't misuse $symbol"
    done <"$build/symbols.txt"
    readelf -d "$build/libfailover.so" | grep -q 'SONAME.*libfailover.so.0\]' || fail symbols "soname"
    readelf -d "$build/libfailover.so" | grep -q NODELETE || fail symbols "not marked nodelete"
    say symbols "$(wc -l <"$build/symbols.txt") exported, all declared and misused"
}

check_functions() {
    local verdict
    verdict=$("$here/functions.sh") || fail functions "the header isn't what functions.txt says"
    say functions "$verdict"
}

check_size() {
    local bytes
    bytes=$(stat -L -c %s "$build/libfailover.so")
    ((bytes <= 6 * 1024 * 1024)) || fail size "$bytes bytes are more than 6 MB"
    say size "libfailover.so has $bytes bytes, libfailover.a $(stat -c %s "$build/libfailover.a")"
}

check_layout() {
    "$here/layout.sh" "$work" | LC_ALL=C sort >"$work/layout.txt"
    diff "$here/layout.txt" "$work/layout.txt" || fail layout "a struct changed"
    say layout "$(wc -l <"$work/layout.txt") lines as frozen"
}

check_matrix() {
    local standard
    printf '#include <failover.h>\nint main(void) { return 0; }\n' >"$work/empty.c"
    for standard in c99 c11 c17; do
        "$cc" -std=$standard "${strict[@]}" -I"$root/include" -fsyntax-only "$work/empty.c"
    done
    for standard in c++11 c++14 c++17 c++20; do
        "$cxx" -x c++ -std=$standard "${strict[@]}" -I"$root/include" -fsyntax-only "$work/empty.c"
    done
    printf '#include <failover.hpp>\nint main() { return 0; }\n' >"$work/empty.cpp"
    for standard in c++17 c++20; do
        "$cxx" -std=$standard -Wall -Wextra -pedantic -Werror -I"$root/include" -fsyntax-only "$work/empty.cpp"
        "$cxx" -std=$standard -fno-exceptions -Wall -Wextra -pedantic -Werror -I"$root/include" \
            -fsyntax-only "$work/empty.cpp"
    done
    say matrix "C99 to C17, C++11 to C++20, without exceptions too"
}

check_programs() {
    local program
    for program in version negative growth garbage closing shelf signals work work_wait work_provider work_fork fork_growth; do
        compile $program
        timeout 60 "$work/$program" >"$work/out.txt" || fail $program "failed"
        say $program "$(tail -n 1 "$work/out.txt" | sed 's/^[a-z_]*: //')"
    done
}

# Runs the test of the C++ wrapper in both its manners; what it frees goes through the test.
check_wrapper() {
    local manner symbol
    # What a program in C++ calls as it is in C.
    local plain='abi_check|abi_version|version_number|version|(before|after)_fork[a-z_]*'
    while read -r symbol; do
        grep -q "\b$symbol\b" "$root/include/failover.hpp" || fail wrapper "failover.hpp lacks $symbol"
    done < <(grep -vxE "failover_($plain)" "$build/symbols.txt")
    for manner in -fexceptions -fno-exceptions; do
        "$cxx" -std=c++17 $manner -O1 -g -Wall -Wextra -Werror -I"$root/include" "$here/wrapper.cpp" \
            -o "$work/wrapper" -Wl,--wrap=failover_buf_free,--wrap=failover_error_free \
            "$build/libfailover.a" "${system[@]}"
        timeout 60 "$work/wrapper" >"$work/out.txt" || fail wrapper "failed with $manner"
    done
    say wrapper "$(sed 's/^wrapper: //' "$work/out.txt"), with and without exceptions"
}

# Runs a program under memcheck. Threads take turns: where one waits for another by yielding, an
# unfair turn may last for minutes.
memcheck() {
    valgrind -q --fair-sched=try --error-exitcode=9 --leak-check="$1" --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --num-callers=30 "${@:2}"
}

check_memory() {
    local program status=0
    for program in version negative growth garbage closing leave work work_wait work_provider fork work_fork leak; do
        compile $program
    done
    for program in version negative growth garbage closing leave work work_wait work_provider; do
        memcheck full "$work/$program" >/dev/null || fail memory "$program"
    done
    # A child has lost the parent's threads with what they held: no leak check there.
    memcheck no --trace-children=yes "$work/fork" 3 >/dev/null || fail memory "fork"
    memcheck no --trace-children=yes "$work/work_fork" >/dev/null || fail memory "work_fork"
    memcheck full "$work/leak" >/dev/null 2>&1 || status=$?
    ((status == 9)) || fail memory "the planted leak was not found"
    say memory "version, negative, growth, garbage, closing, leave, work* and fork are clean, the planted leak was found"
}

check_hot() {
    compile hot
    "$work/hot" >/dev/null || fail hot "pick, report or step allocates"
    strace -f -o "$work/strace.txt" "$work/hot" >/dev/null
    [[ $(grep -c getppid "$work/strace.txt") == 12 ]] || fail hot "strace didn't see the marks"
    if awk '/getppid/ { inside = !inside; next } inside' "$work/strace.txt" | grep .; then
        fail hot "pick, report or step makes a system call"
    fi
    say hot "no allocation and no system call in 6 x 2000 rounds"
}

check_fork() {
    compile fork
    timeout 300 "$work/fork" "${FAILOVER_FORKS:-50}" >"$work/out.txt" || fail fork "failed"
    say fork "$(sed 's/^fork: //' "$work/out.txt"), with and without threads"
}

check_leave() {
    local i count=${FAILOVER_PROCESSES:-200}
    compile leave
    for ((i = 0; i < count; i++)); do
        timeout 20 "$work/leave" || fail leave "process $i ended with $?"
    done
    say leave "$count processes left without close"
}

check_coexist() {
    mkdir -p "$work/panic"
    (cd "$root" && cargo build --release --quiet -p failover-abi-panic)
    FAILOVER_EXTRA_SYMBOLS=failover_test_panic "$root/bindings/c/link.sh" \
        "$CARGO_TARGET_DIR/release/libfailover_abi_panic.a" "$work/panic"
    rustc --edition 2024 -O "$here/other.rs" -o "$work/libother.a"
    "$cc" -std=gnu11 -I"$root/include" -I"$here" "$here/coexist.c" -o "$work/coexist" \
        "$work/panic/libfailover.a" "$work/libother.a" "${system[@]}"
    "$work/coexist" || fail coexist "static"
    "$cc" -std=gnu11 -I"$root/include" -I"$here" "$here/coexist.c" -o "$work/coexist" \
        "$work/libother.a" "$work/panic/libfailover.a" "${system[@]}"
    "$work/coexist" || fail coexist "static, the other order"
    "$cc" -std=gnu11 -I"$root/include" -I"$here" "$here/coexist.c" -o "$work/coexist" \
        -L"$work/panic" -lfailover "$work/libother.a" "${system[@]}" -Wl,-rpath,"$work/panic"
    "$work/coexist" || fail coexist "shared"
    say coexist "links beside another Rust archive, and panics are caught"
}

# CMake finds the release that a project was written for, and none that may break it.
asks_for() {
    local major minor patch asked expected
    IFS=. read -r major minor patch <<<"$(sed -n 's/^Version: //p' "$work/prefix/lib/pkgconfig/failover.pc")"
    cat >"$work/asks.cmake" <<'CMAKE'
string(REPLACE "." ";" parts ${PACKAGE_FIND_VERSION})
list(LENGTH parts PACKAGE_FIND_VERSION_COUNT)
list(APPEND parts 0 0)
list(GET parts 0 PACKAGE_FIND_VERSION_MAJOR)
list(GET parts 1 PACKAGE_FIND_VERSION_MINOR)
include(${FILE})
message("${PACKAGE_VERSION_COMPATIBLE}")
CMAKE
    while read -r expected asked; do
        [[ $(cmake -D "PACKAGE_FIND_VERSION=$asked" -D "FILE=$work/prefix/lib/cmake/Failover/FailoverConfigVersion.cmake" \
            -P "$work/asks.cmake" 2>&1) == "$expected" ]] || fail installed "CMake, asked for $asked"
    done <<ASKED
TRUE $major
TRUE $major.$minor
TRUE $major.$minor.$patch
FALSE $major.$minor.$((patch + 1))
FALSE $major.$((minor + 1))
FALSE $((major + 1)).0
$([[ $major == 0 && $minor -gt 0 ]] && echo FALSE 0.$((minor - 1)))
ASKED
}

# Builds the smoke programs from installed files alone.
check_installed() {
    local prefix=$work/prefix flags
    "$root/bindings/c/install.sh" "$prefix" "$build"
    cp "$root/bindings/c/smoke.c" "$root/bindings/c/smoke.cpp" "$work"
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    read -ra flags <<<"$(pkg-config --cflags --libs failover)"
    "$cc" -std=c11 "${strict[@]}" "$work/smoke.c" -o "$work/c11" "${flags[@]}"
    "$cxx" -std=c++17 -Wall -Wextra -Werror "$work/smoke.cpp" -o "$work/cpp17" "${flags[@]}"
    LD_LIBRARY_PATH=$prefix/lib "$work/c11" >/dev/null || fail installed "C11, shared"
    LD_LIBRARY_PATH=$prefix/lib "$work/cpp17" >/dev/null || fail installed "C++17, shared"
    read -ra flags <<<"$(pkg-config --cflags --libs --static failover | sed 's/-lfailover/-l:libfailover.a/')"
    "$cc" -std=c11 "${strict[@]}" "$work/smoke.c" -o "$work/c11" "${flags[@]}"
    "$cxx" -std=c++17 -fno-exceptions "$work/smoke.cpp" -o "$work/cpp17" "${flags[@]}"
    "$work/c11" >/dev/null || fail installed "C11, static"
    "$work/cpp17" >/dev/null || fail installed "C++17, static, without exceptions"
    asks_for
    cat >"$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(consumer C CXX)
find_package(Failover 0.1 REQUIRED)
foreach(kind shared static)
  add_executable(c_${kind} smoke.c)
  set_target_properties(c_${kind} PROPERTIES C_STANDARD 11)
  target_link_libraries(c_${kind} Failover::${kind})
  add_executable(cpp_${kind} smoke.cpp)
  set_target_properties(cpp_${kind} PROPERTIES CXX_STANDARD 17)
  target_link_libraries(cpp_${kind} Failover::${kind})
endforeach()
CMAKE
    cmake -S "$work" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
    cmake --build "$work/cmake" >/dev/null
    for program in c_shared c_static cpp_shared cpp_static; do
        "$work/cmake/$program" >/dev/null || fail installed "cmake $program"
    done
    say installed "pkg-config and CMake, shared and static, C11 and C++17"
}

checks=("$@")
if [[ $# -eq 0 ]]; then
    checks=(header symbols functions size layout matrix programs wrapper memory hot fork leave coexist installed)
fi
for check in "${checks[@]}"; do
    "check_$check"
done
echo "abi: ok"
