#!/usr/bin/env bash
# Prints every struct of the header with the sizes and offsets that the C compiler gives it.
#
#   layout.sh WORK       WORK: a directory for the program
#
# The result is compared with layout.txt, which ffi/tests/layout.rs compares with Rust's own. So the
# file is what the ABI is frozen to: a line of it may be added, and never changes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$1
{
    echo '#include <failover.h>'
    echo '#include <stdio.h>'
    echo 'int main(void) {'
    awk '
        /^typedef struct failover_[a-z_]+ \{/ { name = $3; next }
        name == "" { next }
        /^}/ {
            printf "printf(\"%s size=%%zu align=%%zu\\n\", sizeof(%s), _Alignof(%s));\n", name, name, name
            for (i = 1; i <= count; i++)
                printf "printf(\"%s.%s offset=%%zu size=%%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n",
                    name, field[i], name, field[i], name, field[i]
            name = ""; count = 0; next
        }
        /;$/ && !/^ *\*/ {
            text = $NF; sub(/;$/, "", text); sub(/\[.*/, "", text); sub(/^\*+/, "", text)
            field[++count] = text
        }' "$root/include/failover.h"
    echo 'return 0; }'
} >"$work/layout.c"
"${CC:-cc}" -std=c11 -I"$root/include" "$work/layout.c" -o "$work/layout"
"$work/layout"
