# shellcheck shell=bash disable=SC2034,SC2154
# What ./run and ./check share: the packages, the build, the number of cores, MPI's settings. Sourced by them after `set -euo pipefail`.
# $root is the repository, $me the name that messages begin with.

# Debian's and Ubuntu's names. The one list: docs/dependencies.md refers to it. Check is among the first because
# configuring asks for it.
packages_build=(gcc libc6-dev meson ninja-build pkg-config openmpi-bin libopenmpi-dev libhdf5-dev libpcre2-dev libyaml-dev libjansson-dev
    libxxhash-dev zlib1g-dev libzstd-dev libutf8proc-dev libgmp-dev libflint-dev libflint-arb-dev liblua5.4-dev libseccomp-dev bubblewrap check)
# python3 runs the whole-program tests and counts the results in ./check; the trainer never calls it. strace makes system calls fail.
packages_check=(clang python3 strace)

say() {
    printf '%s\n' "$*" >&2
}

# die STATUS SENTENCE. The statuses are those of build/rulezero.
die() {
    say "$me: $2"
    exit "$1"
}

# missing PACKAGE…: those that dpkg does not have installed, one a line.
missing() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        awk -v names="$*" '$1 == "installed" { have[$2] = 1 }
            END { n = split(names, name, " "); for (i = 1; i <= n; i++) if (!(name[i] in have)) print name[i] }'
}

# install PACKAGE…: no apt and no network when all is there. Elsewhere than on Debian and its relatives the packages are taken as given:
# configuring names what it lacks.
install() {
    local lack as=() log
    command -v dpkg-query >/dev/null || return 0
    mapfile -t lack < <(missing "$@" || true)
    ((${#lack[@]})) || return 0
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die 73 "packages are missing and there is neither root nor sudo; as root: apt-get install ${lack[*]}"
        as=(sudo)
        [[ -t 0 ]] || as+=(-n) # nobody is there to type a password
    fi
    as+=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get -y -o DPkg::Lock::Timeout=300)
    say "installing ${lack[*]}"
    log=$(mktemp)
    # An update may fail for one foreign source and still bring all that is needed: what counts is the installation.
    if ! { "${as[@]}" update || true; "${as[@]}" install --no-install-recommends "${lack[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die 75 "cannot install ${lack[*]}: apt-get's last words are above; is there a network?"
    fi
    rm -f "$log"
}

# configure FOLDER MESON_ARGUMENT…: once; afterwards ninja does it by itself when a meson.build has changed. Prints only what went wrong.
configure() {
    local folder=$1 words
    shift
    [[ -f $folder/build.ninja ]] && return 0
    rm -rf "$folder"
    if ! words=$(meson setup "$folder" "$root" "$@" 2>&1 </dev/null); then
        grep -F 'ERROR' <<<"$words" >&2 || tail -n 20 <<<"$words" >&2
        return 1
    fi
}

# compile FOLDER TARGET…: says "building" only when there is something to do, and prints only what went wrong.
compile() {
    local folder=$1 words
    shift
    [[ $(ninja -C "$folder" -n "$@" 2>/dev/null) == *"no work to do"* ]] && return 0
    say "building ${folder##*/}"
    if ! words=$(ninja -C "$folder" "$@" 2>&1 </dev/null); then
        grep -v '^\[[0-9]*/' <<<"$words" | sed -n '1,60p' >&2
        return 1
    fi
}

# Whole CPUs that control groups (version 2, then 1) grant this process, at least 1; nothing when they set no limit.
cpu_quota() {
    local folder quota period best=
    folder=/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup 2>/dev/null)
    while [[ $folder == /sys/fs/cgroup* ]]; do
        if read -r quota period 2>/dev/null <"$folder/cpu.max" && [[ $quota != max ]]; then
            ((quota /= period, quota > 0)) || quota=1
            [[ -n $best ]] && ((best <= quota)) || best=$quota
        fi
        folder=${folder%/*}
    done
    if read -r quota 2>/dev/null </sys/fs/cgroup/cpu/cpu.cfs_quota_us && read -r period 2>/dev/null </sys/fs/cgroup/cpu/cpu.cfs_period_us &&
        ((quota > 0)); then
        ((quota /= period, quota > 0)) || quota=1
        [[ -n $best ]] && ((best <= quota)) || best=$quota
    fi
    [[ -z $best ]] || printf '%s\n' "$best"
}

# Cores this process may use: affinity, then quota. (nproc would also obey OMP_NUM_THREADS, which is none of our business.)
cores() {
    local n quota
    n=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
    quota=$(cpu_quota)
    [[ -n $quota ]] && ((quota < n)) && n=$quota
    printf '%s\n' "$n"
}

# Open MPI as this project needs it, as defaults that the environment may overrule. Ranks may outnumber what hwloc calls slots (it counts
# cores, not hardware threads) and are left unbound (binding ignores an affinity given from outside, and machines are shared). Copying between
# processes by the kernel (CMA) is forbidden in many containers and then complains; the copy through shared memory always works.
mpi_settings() {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_rmaps_base_oversubscribe=${OMPI_MCA_rmaps_base_oversubscribe-1}
    export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy-none}
    export OMPI_MCA_mpi_yield_when_idle=${OMPI_MCA_mpi_yield_when_idle-1}
    export OMPI_MCA_btl_base_warn_component_unused=${OMPI_MCA_btl_base_warn_component_unused-0}
    export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism-none}
    # mpirun closes the ranks' pipes in a race, which the epoll part of its libevent now and then remarks on ("[warn] Epoll …"); poll does not.
    export EVENT_NOEPOLL=${EVENT_NOEPOLL-1}
}
