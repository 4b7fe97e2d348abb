#!/bin/sh
# Rule files as C: embed.sh NAME=FILE … prints a table of names, what each file says of itself (the first sentence of its first comment), and texts.
set -eu
about() { sed -n '/^#/!q; s/^# *//p' "$1" | tr '\n' ' ' | sed 's/\. .*//; s/\. *$//; s/[\\"]/\\&/g'; }

echo '#include "rewards/builtin.h"'
n=0
for pair in "$@"; do
    printf 'static const unsigned char text_%d[] = {' "$n"
    od -An -v -tu1 "${pair#*=}" | tr -s ' \n' ',' | sed 's/^,//; s/,$//'
    printf ',0};\n'
    n=$((n + 1))
done
echo 'const rz_builtin rz_builtins[] = {'
n=0
for pair in "$@"; do
    printf '    {"%s", "%s", (const char *)text_%d, sizeof text_%d - 1},\n' "${pair%%=*}" "$(about "${pair#*=}")" "$n" "$n"
    n=$((n + 1))
done
echo '};'
echo 'const int rz_n_builtins = sizeof rz_builtins / sizeof *rz_builtins;'
