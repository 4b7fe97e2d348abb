#!/usr/bin/env bash
# A Slurm cluster of one machine, of its own keys, ports and folders: the two examples in configs/slurm must be signalled before their time is up, save, end with 85, come
# back into the queue and end in the bits of a run that was never stopped. slurm.sh [--install] [CASE …]: srun, mpirun, by_hand. --install fetches slurm-wlm and munge with apt-get.
# Needs root: says so and exits 77 where it cannot. Takes up to ten minutes, since Slurm counts in minutes. Not part of ./check.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
rulezero=${RULEZERO:-$root/build/rulezero}

skip() {
    echo "slurm.sh: skipped: $1"
    exit 77
}
fail() {
    echo "FAILED  $1"
    [[ ! -f ${2-} ]] || tail -n 30 "$2"
    exit 1
}
((EUID == 0)) || skip "only root can start slurmctld and slurmd"
if [[ ${1-} == --install ]]; then
    shift
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm munge >/dev/null || skip "apt-get cannot install slurm-wlm and munge"
fi
PATH=$PATH:/usr/sbin
for tool in slurmctld slurmd munged sbatch scontrol; do command -v "$tool" >/dev/null || skip "there is no $tool: slurm.sh --install, or apt-get install slurm-wlm munge"; done
[[ -x $rulezero ]] || skip "there is no $rulezero; build it, or set RULEZERO"

work=$(mktemp -d /tmp/rulezero-slurm-XXXXXX)
chmod 755 "$work" # munged asks for it
host=$(hostname -s)
daemons=()
clean_up() {
    local pid
    [[ -z ${SLURM_CONF-} ]] || scancel --quiet --user root 2>/dev/null || true
    sleep 1
    for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    [[ ${KEEP-} ]] || rm -rf "$work"
}
trap clean_up EXIT

# ---- the cluster ----
mkdir "$work/munge" "$work/state" "$work/spool"
head -c 128 /dev/urandom >"$work/munge/key"
chmod 700 "$work/munge"
chmod 400 "$work/munge/key"
chmod 711 "$work/munge"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" --log-file="$work/munge/log" \
    --seed-file="$work/munge/seed" >"$work/munged.out" 2>&1 &
daemons+=($!)
cat >"$work/slurm.conf" <<TEXT
ClusterName=rulezero
SlurmctldHost=$host
SlurmctldPort=36817
SlurmdPort=36818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=pmix
ReturnToService=2
KillWait=10
JobRequeue=1
RequeueExit=85
SlurmdParameters=config_overrides
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
TEXT
export SLURM_CONF=$work/slurm.conf
slurmctld -D >"$work/slurmctld.out" 2>&1 &
daemons+=($!)
slurmd -D >"$work/slurmd.out" 2>&1 &
daemons+=($!)
for ((i = 0; i < 100; i++)); do
    [[ $(sinfo -h -o %T 2>/dev/null) != idle ]] || break
    sleep 0.3
done
[[ $(sinfo -h -o %T 2>/dev/null) == idle ]] || fail "the cluster does not come up: $(sinfo 2>&1 | tail -n 1)" "$work/slurmctld.log"

# ---- jobs ----
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none RULEZERO_CPU=portable
steps=${STEPS:-180}
job=("$root/tests/system/short.yaml" "steps=$steps" checkpoint.every=1000 prompts_per_step=12)
state() { scontrol show job "$1" | grep -oE "$2=[^ ]*" | head -n 1 | cut -d= -f2; }
same_bits() {
    "$rulezero" diff "$work/truth" "$1" >"$1.diff" 2>&1 || fail "$2: other bits than without Slurm" "$1.diff"
    [[ $(wc -l <"$1/metrics.jsonl") == "$steps" ]] || fail "$2: metrics.jsonl has not $steps lines"
}
# Until the log says so, 10 minutes at most.
wait_for() { # NAME WORDS
    local i
    for ((i = 0; i < 3000; i++)); do
        ! grep -qF -- "$2" "$work/$1.log" 2>/dev/null || return 0
        ! grep -qF -- "run directory: " "$work/$1.log" 2>/dev/null || fail "$1: it came to its end before its log said '$2': give it more steps, STEPS=$((2 * steps))" "$work/$1.log"
        sleep 0.2
    done
    scontrol show job "$id" || true
    fail "$1: its log does not say '$2'" "$work/$1.log"
}
submit() { # NAME FLAG …
    local name=$1
    shift
    (cd "$work/tree" && sbatch --parsable --ntasks=2 --output="$work/$name.log" "$@" "${job[@]}" "out=$work/$name")
}
# The end of a job's time: two minutes. Slurm signals up to one earlier than it is asked to: of a job of one minute even before the script has set its trap.
requeued() { # NAME SIGNAL
    local name=$1 id begin=$SECONDS saved
    id=$(submit "$name" --time=2 --signal="$2" "configs/slurm/$name.sbatch")
    wait_for "$name" "stopped at step"
    saved=$((SECONDS - begin))
    for ((i = 0; i < 150; i++)); do
        [[ $(state "$id" Restarts) != 1 ]] || break
        sleep 0.2
    done
    [[ $(state "$id" Restarts) == 1 ]] || fail "$name: not back in the queue: $(state "$id" JobState) $(state "$id" ExitCode)" "$work/$name.log"
    scontrol update jobid="$id" timelimit=10 starttime=now+3 2>/dev/null || true # not at once: slurmd takes a moment to forget that it has just ended it
    wait_for "$name" "resuming from"
    local resumed=$((SECONDS - begin))
    wait_for "$name" "run directory: "
    same_bits "$work/$name" "$name"
    echo "ok      $name.sbatch: signalled and saved ($(grep -oE 'stopped at step [0-9]+ of [0-9]+' "$work/$name.log" | head -n 1)) after $saved s, back in training after $resumed s (restart $(state "$id" Restarts)), the same bits"
}
# Preempted by hand: what scontrol requeue or a job of higher priority does, SIGTERM and KillWait seconds.
by_hand() {
    local id
    id=$(submit by_hand --time=10 configs/slurm/srun.sbatch)
    wait_for by_hand "held-out problems after step 0"
    sleep 8
    scontrol requeue "$id"
    wait_for by_hand "stopped at step"
    for ((i = 0; i < 300; i++)); do
        [[ $(state "$id" JobState) != PENDING ]] || break
        sleep 0.2
    done
    scontrol update jobid="$id" starttime=now 2>/dev/null || true
    wait_for by_hand "resuming from"
    wait_for by_hand "run directory: "
    same_bits "$work/by_hand" by_hand
    echo "ok      scontrol requeue: SIGTERM, saved, back in training (restart $(state "$id" Restarts)), the same bits"
}

mkdir -p "$work/tree/build"
ln -s "$root/configs" "$root/data" "$work/tree/"
ln -s "$rulezero" "$work/tree/build/rulezero"
(cd "$work/tree" && build/rulezero train "${job[@]}" "out=$work/truth") >"$work/truth.log" 2>&1 || fail "the run without Slurm: status $?" "$work/truth.log"
(($#)) || set -- srun mpirun by_hand
for name in "$@"; do
    case $name in
    srun) requeued srun USR1@30 ;;
    mpirun) requeued mpirun B:USR1@30 ;;
    by_hand) by_hand ;;
    *) fail "there is no case $name; there are srun, mpirun, by_hand" ;;
    esac
done
