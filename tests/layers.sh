#!/usr/bin/env bash
# The law of layers (docs/architecture.md): which folder may include which, which file alone may include MPI, HDF5, PCRE2, YAML and the like, and that only
# cli speaks, exits and reads the environment. layers.sh [ROOT]: prints a line a breach and fails if there is one. tests/house_selftest.sh proves
# that it does.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$here/..}"

# folder: folders it may include besides itself.
export LAYERS='
base:
data: base
policy: base
rewards: base
rollout: policy data base
trainer: rollout rewards policy data base
cli: trainer rollout rewards policy data base
'

# <header>: files or folders that may include it. A header in neither this table nor the next is a new dependency: it needs a row here and a
# line in docs/dependencies.md.
export DOORS='
mpi.h: base/comm.c
hdf5.h: base/store.c base/store_driver.h base/store_library.c
H5FDdevelop.h: base/store_driver.c
pcre2.h: base/pattern.c
yaml.h: base/yaml.c
zlib.h: base/packed.c
zstd.h: base/packed.c
utf8proc.h: base/unicode.c
xxhash.h: base/
gmp.h: rewards/math_exact.c rewards/math_gmp.h rewards/python_eval.c
acb.h: rewards/math_ball.c
jansson.h: base/ data/ policy/ rewards/ trainer/ cli/
immintrin.h: policy/ base/threads.c
emmintrin.h: policy/ base/threads.c
xmmintrin.h: policy/ base/threads.c
cpuid.h: base/processor.c
sanitizer/asan_interface.h: base/arena.c
linux/futex.h: base/
sys/syscall.h: base/
lua.h: rewards/lua_run.h
lauxlib.h: rewards/lua_run.h
lualib.h: rewards/lua_library.c rewards/lua_text.c
dlfcn.h: rewards/plugin.c
sys/prctl.h: rewards/helper_child.c rewards/child.c base/confine.c cli/launch.c
sys/statfs.h: cli/doctor_files.c
seccomp.h: base/confine.c
linux/landlock.h: base/confine.c
sys/socket.h: rewards/child.c rewards/helper.c rewards/helper_child.c rewards/wire.c
'

# ISO C11 and POSIX: anybody.
export STANDARD='assert ctype errno fenv float inttypes limits locale math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio
stdlib stdnoreturn string time dirent fcntl poll pthread sched strings unistd sys/file sys/ioctl sys/mman sys/resource sys/stat sys/statvfs
sys/time ftw sys/types sys/uio sys/utsname sys/wait'

# What a file does although the law forbids it: speaks, ends or asks (the environment), starts (a process), or is long. There is no exception for shells and networks. Each with its reason; a row that is not
# needed any more is a breach too.
export EXCEPTIONS='
base/error.c speaks: the last word when memory is gone and no handler was installed
base/error.c ends: as above
base/comm.c asks: only the environment says whether a launcher has started this process
base/comm.c ends: rz_comm_abort, when MPI was not started
rewards/helper_child.c speaks: it does not: it puts /dev/null in the place of all three
rewards/helper_child.c ends: the helper process and its workers, never a rank
rewards/child.c ends: between fork and exec
rewards/child.c starts: programs of rules and code_tests, by argument list
rewards/helper.c starts: the helper process of a rank, before MPI
rewards/helper_child.c starts: its workers
cli/launch.c starts: the command that it was given
cli/doctor_mpi.c starts: mpirun, to see whether it works
'

sources() {
    find . -name '.?*' -prune -o -path './build*' -prune -o -path './runs' -prune -o -name '*.[ch]' -print | sed 's,^\./,,' | LC_ALL=C sort
}

mapfile -t files < <(sources | grep -vE '^(tests|bench)/')
((${#files[@]})) || { echo "no sources under $PWD"; exit 1; }

wc -l "${files[@]}" | awk '$2 != "total" { print $2 ":" $1 ":#lines" }' | cat - <(awk -f "$here/strip.awk" "${files[@]}") | awk '
function rows(text, table,    line, n, i, at) {
    n = split(text, line, "\n")
    for (i = 1; i <= n; i++)
        if (at = index(line[i], ":")) table[substr(line[i], 1, at - 1)] = substr(line[i], at + 1) " "
}
function breach(what) {
    print file ":" number ": " what
    breaches++
}
# A thing that an exception may allow.
function unless(kind, what) {
    if ((file " " kind) in allowed) used[file " " kind] = 1
    else breach(what)
}
# Does the list of files and folders cover this file?
function covers(list,    name, n, i) {
    n = split(list, name, " ")
    for (i = 1; i <= n; i++)
        if (name[i] == file || (name[i] ~ /\/$/ && index(file, name[i]) == 1)) return 1
    return 0
}
function check_include(    name, other) {
    if (code ~ /include[ \t]*"/) {
        name = code
        sub(/^[^"]*"/, "", name)
        sub(/".*$/, "", name)
        other = name
        if (!sub(/\/.*$/, "", other) || name ~ /\.\./) breach("includes \"" name "\": write \"folder/file.h\", from the root")
        else if (!(other in layer)) breach("includes \"" name "\": " other " is no layer")
        else if (other != folder && index(layer[folder], " " other " ") == 0) breach("includes \"" name "\": " folder " may not use " other)
    } else if (code ~ /include[ \t]*</) {
        name = code
        sub(/^[^<]*</, "", name)
        sub(/>.*$/, "", name)
        if (name in door) {
            if (!covers(door[name])) breach("includes <" name ">: only" door[name] "may")
        } else if (!(name in standard)) breach("includes <" name ">: a dependency that tests/layers.sh and docs/dependencies.md do not know")
    } else breach("includes by macro")
}
BEGIN {
    rows(ENVIRON["LAYERS"], layer)
    rows(ENVIRON["DOORS"], door)
    rows(ENVIRON["EXCEPTIONS"], allowed)
    n = split(ENVIRON["STANDARD"], name, /[ \n]+/)
    for (i = 1; i <= n; i++) standard[name[i] ".h"] = 1
    call = "[ \t]*\\("
    start = "(^|[^A-Za-z0-9_.>])"
    speaks = start "(v?printf|puts|putchar|perror|psignal|err|errx|warn|warnx|syslog)" call "|" start "(stdout|stderr|STDOUT_FILENO|STDERR_FILENO)([^A-Za-z0-9_]|$)"
    ends = start "(exit|_exit|_Exit|quick_exit|abort)" call
    starts = start "(v?fork|clone|posix_spawnp?|f?exec[lv]p?e?|execvpe|execveat)" call
    shell = start "(system|popen|wordexp)" call
    network = start "(socket|connect|gethostby[a-z]+|getaddrinfo|res_query)" call
    asks = start "(getenv|secure_getenv|setenv|putenv)" call "|" start "environ([^A-Za-z0-9_]|$)"
}
{
    file = $0
    sub(/:.*/, "", file)
    code = substr($0, length(file) + 2)
    number = code + 0
    sub(/^[0-9]*:/, "", code)
    folder = file
    if (!sub(/\/.*/, "", folder) || !(folder in layer)) {
        if (!(file in stray)) breach("is in no layer; sources live in base … cli, tests and bench")
        stray[file] = 1
        next
    }
    seen[file] = 1
    if (code == "#lines") {
        if (number > 600) unless("is long", "lines: a file has 600 at most")
        next
    }
    if (code ~ /^[ \t]*#[ \t]*include/) check_include()
    if (code ~ shell) breach("hands words to a shell: what a file says must never be a command")
    if (code ~ network) breach("reaches for the network, which this program does not use")
    if (code ~ starts) unless("starts", "starts a process; only a few files may, with their reasons")
    if (folder == "cli") next
    if (code ~ speaks) unless("speaks", "writes to the terminal; only cli does")
    if (code ~ ends) unless("ends", "ends the process; only cli does")
    if (code ~ asks) unless("asks", "reads the environment; only cli does")
}
END {
    for (row in allowed) {
        split(row, part, " ")
        if ((part[1] in seen) && !(row in used)) {
            print "tests/layers.sh: \"" row "\" is excepted, but it is not so any more"
            breaches++
        }
    }
    exit breaches > 0
}'
