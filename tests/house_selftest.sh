#!/usr/bin/env bash
# Proves that layers.sh and bans.sh can fail: a tiny tree that keeps the law, then one breach at a time, each of which must be found and named; and
# things that only look like one, which must pass.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
passed=0
failed=0

fresh() {
    rm -rf "${tree:?}"/*
    mkdir "$tree"/{base,data,policy,rewards,rollout,trainer,cli,tests,bench}
    printf '%s\n' '#include <stdio.h>' 'int rz_a(void);' >"$tree/base/a.h"
    printf '%s\n' '#include "base/a.h"' '#include <mpi.h>' 'int rz_comm(void) { return getenv("X") != NULL; }' 'void rz_end(void) { _exit(1); }' \
        >"$tree/base/comm.c"
    printf '%s\n' '#include "base/a.h"' '#include <math.h>' 'float rz_root(float x) { return sqrtf(x); }' >"$tree/policy/p.c"
    printf '%s\n' '#include "policy/p.h"' '#include "base/a.h"' 'int rz_r(void) { return rz_a(); }' >"$tree/rollout/r.c"
    printf '%s\n' '#include "rollout/r.h"' '#include "rewards/w.h"' '#include "data/d.h"' >"$tree/trainer/t.c"
    printf '%s\n' '#include "trainer/t.h"' '#include <math.h>' 'int main(void) { printf("%g", log(2)); exit(0); }' >"$tree/cli/main.c"
    printf '%s\n' '#include <check.h>' 'int main(void) { abort(); }' >"$tree/tests/test_a.c"
    echo "add_project_arguments('-ffp-contract=off', language: 'c')" >"$tree/meson.build"
}

# verdict SCRIPT TITLE WANT: WANT is a text that must be found in the words of a failing script, or '' when it must pass.
verdict() {
    local words status=0
    words=$("$here/$1" "$tree" 2>&1) || status=$?
    if [[ -z $3 && $status == 0 && -z $words ]] || [[ -n $3 && $status == 1 && $words == *"$3"* ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s, %s: status %s, wanted "%s", said:\n%s\n' "$1" "$2" "$status" "$3" "$words"
    fi
}

# line SCRIPT FILE CODE WANT: one line more in one file of the tiny tree.
line() {
    fresh
    printf '%s\n' "$3" >>"$tree/$2"
    verdict "$1" "$2: $3" "$4"
}

fresh
verdict layers.sh "the tree as it is" ''
verdict bans.sh "the tree as it is" ''

# The law of layers.
line layers.sh base/a.h '#include "data/d.h"' 'base/a.h:3: includes "data/d.h": base may not use data'
line layers.sh data/d.c '#include "policy/p.h"' 'data may not use policy'
line layers.sh policy/p.c '#include "rollout/r.h"' 'policy may not use rollout'
line layers.sh policy/p.c '#include "data/d.h"' 'policy may not use data'
line layers.sh rewards/w.c '#include "policy/p.h"' 'rewards may not use policy'
line layers.sh rewards/w.c '#include "data/d.h"' 'rewards may not use data'
line layers.sh rollout/r.c '#include "rewards/w.h"' 'rollout may not use rewards'
line layers.sh rollout/r.c '#include "trainer/t.h"' 'rollout may not use trainer'
line layers.sh trainer/t.c '#  include "cli/c.h"' 'trainer may not use cli'
line layers.sh trainer/t.c '#include "t.h"' 'from the root'
line layers.sh trainer/t.c '#include "../cli/c.h"' 'from the root'
line layers.sh trainer/t.c '#include "tests/t.h"' 'tests is no layer'
line layers.sh trainer/t.c '#include HEADER' 'by macro'
fresh && mkdir "$tree/extra" && echo 'int x;' >"$tree/extra/x.c"
verdict layers.sh "a folder of its own" 'extra/x.c:1: is in no layer'
fresh && echo 'int x;' >"$tree/x.c"
verdict layers.sh "a source at the top" 'is in no layer'
line layers.sh trainer/t.c '#include <mpi.h>' 'only base/comm.c may'
line layers.sh base/store_extra.c '#include <hdf5.h>' 'only base/store.c base/store_driver.h base/store_library.c may'
line layers.sh rewards/w.c '#include <pcre2.h>' 'only base/pattern.c may'
line layers.sh cli/main.c '#include <yaml.h>' 'only base/yaml.c may'
line layers.sh rollout/r.c '#include <immintrin.h>' 'may'
line layers.sh base/a.h '#include <curl/curl.h>' 'do not know'
line layers.sh data/d.c 'void f(void) { printf("hello"); }' 'writes to the terminal'
line layers.sh data/d.c 'void f(void) { fprintf(stderr, "hello"); }' 'writes to the terminal'
line layers.sh data/d.c 'void f(void) { fputs("x", stdout); }' 'writes to the terminal'
line layers.sh data/d.c 'void f(void) { puts("x"); }' 'writes to the terminal'
line layers.sh data/d.c 'void f(void) { perror ("x"); }' 'writes to the terminal'
line layers.sh policy/p.c 'void f(void) { exit(1); }' 'ends the process'
line layers.sh policy/p.c 'void f(void) { if (1) _exit(1); }' 'ends the process'
line layers.sh policy/p.c 'void f(void) { /* why */ abort(); }' 'ends the process'
line layers.sh rewards/w.c 'char *f(void) { return getenv("HOME"); }' 'reads the environment'
line layers.sh cli/main.c 'void f(char *s) { system(s); }' 'hands words to a shell'
line layers.sh data/d.c 'void f(char *s) { FILE *p = popen(s, "r"); }' 'hands words to a shell'
line layers.sh base/a.h 'void f(void) { int s = socket(2, 1, 0); }' 'reaches for the network'
line layers.sh trainer/t.c '#include <netdb.h>' 'do not know'
line layers.sh cli/main.c 'void f(char **a) { execvp(a[0], a); }' 'starts a process'
line layers.sh rewards/w.c 'void f(void) { if (!fork()) return; }' 'starts a process'
fresh && seq -f 'int x%.0f;' 601 >"$tree/data/d.c"
verdict layers.sh "601 lines" 'data/d.c:601: lines'
fresh && echo 'int rz_comm(void);' >"$tree/base/comm.c"
verdict layers.sh "an exception nobody needs" 'is excepted, but it is not so any more'
fresh && rm -rf "${tree:?}"/*/
verdict layers.sh "nothing to look at" 'no sources'
line layers.sh data/d.c '/* exit(1); */ // printf("x")' ''
line layers.sh data/d.c 'const char *f(void) { return "exit(1); \" stderr /*"; }' ''
line layers.sh data/d.c 'char f(void) { return '"'\"'"'; } /* don'"'"'t abort()' ''
line layers.sh data/d.c 'int f(void) { return snprintf(b, 9, "x") + rz_exit(1) + o->exit(2) + o.abort(3); }' ''
line layers.sh data/d.c 'int f(void) { return rz_system(1) + o->connect(2) + file_system(3); } /* system(4) */' ''
line layers.sh data/d.c '__attribute__((format(printf, 1, 2))) void f(const char *, ...);' ''

# The banned arithmetic.
line bans.sh policy/p.c 'float f(float x) { return expf(x); }' 'policy/p.c:4: banned: the last bit of a libm function'
line bans.sh trainer/t.c 'double f(double x) { return pow(x, 2); }' 'last bit'
line bans.sh rollout/r.c 'float f(float x) { return -logf (x); }' 'last bit'
line bans.sh data/d.c 'double f(double x) { return __builtin_sin(x); }' 'last bit'
line bans.sh policy/p.c '#include <tgmath.h>' 'libm function'
line bans.sh policy/p.c '__m512 f(__m512 x) { return _mm512_rcp14_ps(x); }' 'estimate'
line bans.sh policy/p.c '__m256 f(__m256 x) { return _mm256_rsqrt_ps(x); }' 'estimate'
line bans.sh policy/p.c '__m128 f(__m128 x) { return _mm_rcp_ss(x); }' 'estimate'
line bans.sh policy/p.c 'float32x4_t f(float32x4_t x) { return vrsqrteq_f32(x); }' 'estimate'
line bans.sh policy/p.c 'float f(__m512 x) { return _mm512_reduce_add_ps(x); }' 'tree of sum16'
line bans.sh policy/p.c '#pragma omp simd reduction(+:s)' 'order of a reduction'
line bans.sh policy/p.c '#pragma STDC FP_CONTRACT ON' 'contraction'
line bans.sh policy/p.c '#pragma GCC optimize("fast-math")' 'arithmetic options'
line bans.sh policy/p.c '__attribute__((optimize("Ofast"))) float f(float x) { return x; }' 'arithmetic options'
line bans.sh trainer/t.c 'long double x;' 'width'
line bans.sh base/comm.c 'void f(float *x) { MPI_Allreduce(MPI_IN_PLACE, x, 1, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }' 'fixed tree'
line bans.sh base/comm.c 'void f(double *x) { MPI_Reduce(x, x, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD); }' 'fixed tree'
line bans.sh data/d.c 'int f(void) { return rand() % 6; }' 'addressed'
for flag in -ffast-math -Ofast -ffp-contract=fast -march=native -funsafe-math-optimizations -fopenmp -mrecip; do
    line bans.sh policy/meson.build "lib = static_library('p', 'p.c', c_args: ['$flag'])" "policy/meson.build:1: banned: the flag changes what the arithmetic means: $flag"
done
fresh && echo "project('x', 'c')" >"$tree/meson.build"
verdict bans.sh "nothing forbids contraction" '-ffp-contract=off is missing'
fresh && rm -rf "${tree:?}"/*/
verdict bans.sh "nothing to look at" 'no sources'
line bans.sh policy/p.c 'float f(float x) { return rz_exp(x) + t->exp(x) + sqrtf(x) + fmaf(x, x, x) + floorf(x); } /* expf(x) */' ''
line bans.sh policy/p.c 'const char *f(void) { return "pow(x, 2) -Ofast"; }' ''
line bans.sh cli/main.c 'double f(double x) { return log10(x); }' ''

# A library that calls libm behind the sources' back.
fresh
printf 'double sin(double);\ndouble (*rz_hidden)(double) = sin;\n' >"$tree/hidden.c"
"${CC:-cc}" -fno-builtin -c "$tree/hidden.c" -o "$tree/hidden.o" && rm "$tree/hidden.c"
status=0
words=$("$here/bans.sh" "$tree" "$tree/hidden.o") || status=$?
if [[ $status == 1 && $words == *"it calls sin of libm"* ]]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "bans.sh, a library that calls sin: status $status, said: $words"
fi

echo "$passed passed, $failed failed"
((failed == 0))
