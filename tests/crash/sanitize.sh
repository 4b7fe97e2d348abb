#!/usr/bin/env bash
# The whole program and the tests of several ranks under sanitizers and valgrind, which the unit tests of ./check do not reach. sanitize.sh [asan | tsan | valgrind]…
# (all of them unless named); from anywhere. Builds in build-asan, build-tsan and build; some minutes each. The last line of a part is "NAME: clean" or the status is 1.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034
me=sanitize.sh
# shellcheck source=../../.ci/setup.sh
. "$root/.ci/setup.sh"
cd "$root"
mpi_settings
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arch=(arch.hidden_size=16 arch.intermediate_size=32 arch.num_hidden_layers=1 arch.num_attention_heads=2 arch.num_key_value_heads=1 arch.head_dim=8
    arch.max_position_embeddings=96)

# small PROGRAM OUT LAUNCHER…: a base is made and trained on, saved after every step, by two threads a rank.
small() {
    local program=$1 out=$2
    shift 2
    "$@" "$program" pretrain tests/crash/tiny.yaml model= tokenizer=data/countdown/tokenizer.json "${arch[@]}" corpus.max_words=80 pretrain.steps=3 \
        pretrain.documents_per_step=4 threads=2 out="$out-base"
    "$@" "$program" train tests/crash/tiny.yaml model="$out-base/model.h5" steps=3 threads=2 out="$out"
    "$@" "$program" train tests/crash/tiny.yaml model="$out-base/model.h5" steps=3 threads=2 out="$out" # found finished
}

# reports NAME: what the tools have written; none is the best.
reports() {
    local file
    for file in "$work/$1".*; do
        [[ -s $file ]] || continue
        sed -n '1,80p' "$file"
        echo "$1: found something"
        exit 1
    done
    echo "$1: clean"
}

asan() {
    CC=gcc configure "$root/build-asan" -Db_sanitize=address,undefined --buildtype=debugoptimized
    compile "$root/build-asan" rulezero tests/test_comm
    # Open MPI keeps what it has until the end: leaks are looked for without it.
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:log_path=$work/asan
    ASAN_OPTIONS=detect_leaks=1:log_path=$work/asan small build-asan/rulezero "$work/alone"
    ASAN_OPTIONS=detect_leaks=0:log_path=$work/asan small build-asan/rulezero "$work/ranks" mpirun -q -n 2
    ASAN_OPTIONS=detect_leaks=0:log_path=$work/asan mpirun -q -n 3 build-asan/tests/test_comm
    cmp "$work/alone/model.h5" "$work/ranks/model.h5"
    reports asan
}

tsan() {
    CC=gcc configure "$root/build-tsan" -Db_sanitize=thread --buildtype=debugoptimized
    compile "$root/build-tsan" rulezero tests/test_threads tests/test_store tests/test_checkpoint
    export TSAN_OPTIONS=halt_on_error=0:exitcode=66:log_path=$work/tsan
    build-tsan/tests/test_threads
    build-tsan/tests/test_store
    build-tsan/tests/test_checkpoint
    small build-tsan/rulezero "$work/threads"
    reports tsan
}

# With few addresses, of which arenas then take a part: they would reserve more than valgrind has. And with plain kernels: the others have blocks that are too long for its translator.
valgrind_() {
    local tool=(valgrind -q --fair-sched=yes --suppressions=/usr/share/openmpi/openmpi-valgrind.supp --suppressions=tests/crash/openmpi.supp --error-exitcode=99
        "--log-file=$work/valgrind.%p")
    CC=gcc configure "$root/build" --buildtype=release
    compile "$root/build" rulezero tests/test_comm
    RZ_SLOW=1 mpirun -q -n 2 "${tool[@]}" build/tests/test_comm
    export RULEZERO_CPU=portable
    ulimit -v 64000000
    small build/rulezero "$work/alone" "${tool[@]}"
    small build/rulezero "$work/ranks" mpirun -q -n 2 "${tool[@]}"
    cmp "$work/alone/model.h5" "$work/ranks/model.h5"
    reports valgrind
}

(($#)) || set -- asan tsan valgrind
for part; do
    case $part in
    asan | tsan) (set -e; "$part") ;;
    valgrind) (set -e; valgrind_) ;;
    *) die 64 "there is no part $part: asan, tsan, valgrind" ;;
    esac
done
