#!/usr/bin/env bash
# run.sh TARGET [SECONDS]: fuzzes one target (README.md beside this file lists them) for so long, 60 seconds unless said.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)
name=${1:-} seconds=${2:-60}
if [[ -z $name || ! -d $here/corpus/$name || ! $seconds =~ ^[0-9]+$ ]]; then
    echo "usage: tests/fuzz/run.sh TARGET [SECONDS]; targets: $(cd "$here/corpus" && echo *)" >&2
    exit 64
fi
build=$root/build-fuzz
work=$build/corpus/$name crashes=$build/crashes
# Alone: the ccache, if any, of other builds does not matter here.
[[ -f $build/build.ninja ]] || CC=clang meson setup "$build" "$root" -Dfuzz=true --buildtype=debugoptimized >/dev/null
ninja -C "$build" "tests/fuzz/fuzz_$name" >/dev/null
mkdir -p "$work" "$crashes"

options=(-max_len=8192 -rss_limit_mb=1024 -timeout=10 "-artifact_prefix=$crashes/$name-")
[[ ! -f $here/$name.dict ]] || options+=("-dict=$here/$name.dict")
export UBSAN_OPTIONS=print_stacktrace=1
status=0
"$build/tests/fuzz/fuzz_$name" "${options[@]}" -max_total_time="$seconds" -print_final_stats=1 "$work" "$here/corpus/$name" || status=$?

# Only inputs that reach something new are kept, the smallest of each.
rm -rf "$work.new"
mkdir "$work.new"
"$build/tests/fuzz/fuzz_$name" "${options[@]}" -merge=1 "$work.new" "$here/corpus/$name" "$work" 2>/dev/null || true
rm -rf "$work"
mv "$work.new" "$work"
echo "$name: $(find "$work" -type f | wc -l) inputs in $work; status $status"
((status == 0)) || echo "what failed is in $crashes: mend it, then copy the file to tests/fuzz/corpus/$name, where ./check will replay it"
exit "$status"
