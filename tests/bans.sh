#!/usr/bin/env bash
# What would make the arithmetic depend on the compiler, the machine or the number of ranks (docs/numerics.md) must not appear: in the sources, in
# the build files, nor as an undefined symbol of a library. bans.sh [ROOT [LIBRARY …]]: prints a line a breach and fails if there is one.
# tests/house_selftest.sh proves that it does.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
libraries=()
for library in "${@:2}"; do
    [[ -f $library ]] || { echo "$library is no file"; exit 1; }
    libraries+=("$(realpath -- "$library")")
done
cd "${1:-$here/..}"

# Functions whose last bit is the C library's choice. What IEEE 754 pins down (sqrt, fma, floor, rint, ldexp, fmod, …) is not among them.
libm='(exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|powi|cbrt|hypot|sin|cos|tan|sincos|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|erf|erfc|lgamma|tgamma|lgamma_r)[fl]?'
start='(^|[^A-Za-z0-9_.>])'
call='[ \t]*\('

# Where, what, why: three entries a ban. The pattern is matched against code without comments and strings, a line at a time. The terminal (cli) may
# print what it likes.
all='base data policy rewards rollout trainer cli'
results='base data policy rewards rollout trainer'
bans=(
    "$results" "$start(__builtin_)?$libm$call"
        "the last bit of a libm function differs between machines: policy/mathf.h, policy/math64.h"
    "$results" "include[ \t]*<(tgmath|complex)\.h>"
        "it hides which libm function is called"
    "$all" "${start}_mm[0-9]*_(mask_|maskz_)?(rcp|rsqrt)[0-9a-z_]*"
        "an estimate instruction differs between processors"
    "$all" "${start}v(rcp|rsqrt)(e|s|r)?q?_[a-z0-9]+"
        "an estimate instruction differs between processors"
    "$all" "${start}_mm[0-9]*_(mask_)?reduce_(add|mul)_p[sd]"
        "its order is the compiler's: use the tree of sum16"
    "$all" "${start}long[ \t]+double"
        "its width is the machine's"
    "$all" "pragma[ \t]+omp"
        "the order of a reduction would be the compiler's and the number of threads'"
    "$all" "FP_CONTRACT[ \t]+(ON|DEFAULT)"
        "contraction is the compiler's choice"
    "$all" "pragma[ \t]+(GCC|clang)[ \t]+(optimize|fp)"
        "arithmetic options are set once, in meson.build"
    "$all" "__attribute__.*optimize[ \t]*\("
        "arithmetic options are set once, in meson.build"
    "$all" "${start}MPI_(FLOAT|DOUBLE|LONG_DOUBLE|REAL|C_FLOAT|C_DOUBLE|2?DOUBLE_|FLOAT_)[A-Z0-9_]*"
        "MPI does not say in which order it adds: send bytes, add in a fixed tree"
    "$all" "$start(rand|rand_r|srand|random|srandom|[delmn]rand48|srand48|arc4random|getrandom)$call"
        "random numbers are addressed (base/rng.h)"
)

breaches=0
report() {
    printf '%s: banned: %s\n' "$1" "$2"
    breaches=$((breaches + 1))
}

mapfile -t files < <(for folder in base data policy rewards rollout trainer cli; do [[ ! -d $folder ]] || find "$folder" -name '*.[ch]'; done | LC_ALL=C sort)
((${#files[@]})) || { echo "no sources under $PWD"; exit 1; }
stripped=$(awk -f "$here/strip.awk" "${files[@]}")
for ((i = 0; i < ${#bans[@]}; i += 3)); do
    while read -r hit; do
        report "$hit" "${bans[i + 2]}"
    done < <(where=${bans[i]} what=${bans[i + 1]} awk '{
        folder = substr($0, 1, index($0, "/") - 1)
        place = $0
        sub(/:.*/, "", place)
        code = substr($0, length(place) + 2)
        if (index(" " ENVIRON["where"] " ", " " folder " ") == 0) next
        place = place ":" (code + 0)
        sub(/^[0-9]*:/, "", code)
        if (code ~ ENVIRON["what"]) print place
    }' <<<"$stripped")
done

# Flags: anywhere in a build file; and the one that forbids contraction must be there.
flags='-ffast-math|-Ofast|-funsafe-math-optimizations|-fassociative-math|-freciprocal-math|-ffinite-math-only|-fno-signed-zeros|-fsingle-precision-constant|-mrecip|-ffp-contract=(fast|on)|-ffp-model|-march=native|-mtune=native|-fopenmp|-mdaz-ftz|-fexcess-precision'
while IFS= read -r hit; do
    report "${hit%:*}" "the flag changes what the arithmetic means: ${hit##*:}"
done < <(find . -name '.?*' -prune -o -path './build*' -prune -o -name 'meson*' -type f -exec grep -HonE -e "$flags" {} + | sed 's,^\./,,')
grep -q -e '-ffp-contract=off' meson.build || report meson.build "-ffp-contract=off is missing"

# The compiler may turn other calls into libm's; a library's undefined symbols cannot lie.
for library in "${libraries[@]}"; do
    while read -r symbol; do
        report "${library##*/}" "it calls $symbol of libm"
    done < <(nm -u "$library" 2>/dev/null | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u | grep -xE "(__)?$libm(_finite)?" || true)
done
((breaches == 0))
