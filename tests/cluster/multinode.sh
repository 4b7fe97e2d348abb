#!/usr/bin/env bash
# Three machines on one: network namespaces with hostnames, /dev/shm and session folders of their own, joined by a bridge, with mpirun's real daemons over TCP.
# multinode.sh [CASE …]: a normal run, a killed rank and a killed daemon on another machine, a pulled cable under launch and by hand, a stopped rank; each must end in the bits of a run
# without mpirun. Figures are printed. Needs root, ip and unshare, and the right to make namespaces: says so and exits 77 where it cannot. Not part of ./check.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
rulezero=${RULEZERO:-$root/build/rulezero}
program=$(basename -- "$rulezero" | cut -c1-15) # as the kernel calls it
nodes=3
net=10.77.0

skip() {
    echo "multinode.sh: skipped: $1"
    exit 77
}
fail() {
    echo "FAILED  $1"
    [[ ! -f ${2-} ]] || tail -n 20 "$2"
    exit 1
}
((EUID == 0)) || skip "only root can make network namespaces"
for tool in ip unshare mpirun; do command -v "$tool" >/dev/null || skip "there is no $tool (apt-get install iproute2 util-linux openmpi-bin)"; done
[[ -x $rulezero ]] || skip "there is no $rulezero; build it, or set RULEZERO"
ip netns list | grep -q '^rzn[0-9]' && skip "namespaces rzn1 … are there already: another multinode.sh runs, or one was killed (ip netns delete)"

work=$(mktemp -d /tmp/rulezero-multinode-XXXXXX)
clean_up() {
    local i
    for ((i = 1; i <= nodes; i++)); do
        ip netns pids "rzn$i" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
        ip netns delete "rzn$i" 2>/dev/null || true
        ip link delete "rzv$i" 2>/dev/null || true # a namespace goes only with its last process
    done
    ip link delete rzbr 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

ip link add rzbr type bridge 2>/dev/null || skip "this kernel or container lets nobody make a bridge (CAP_NET_ADMIN)"
ip addr add "$net.254/24" dev rzbr
ip link set rzbr up
for ((i = 1; i <= nodes; i++)); do
    ip netns add "rzn$i" 2>/dev/null || skip "this kernel or container lets nobody make a network namespace"
    ip link add "rzv$i" type veth peer name eth0 netns "rzn$i"
    ip link set "rzv$i" master rzbr up
    ip -n "rzn$i" addr add "$net.$i/24" dev eth0
    ip -n "rzn$i" link set eth0 up
    ip -n "rzn$i" link set lo up
    mkdir -p "$work/rzn$i"
    printf '%s.%d slots=1\n' "$net" "$i" >>"$work/hosts"
done
# In the place of ssh: AGENT [-option …] HOST COMMAND …
cat >"$work/agent" <<TEXT
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1; shift
case \$host in $net.*) node=rzn\${host##*.};; *) node=\$host;; esac
exec ip netns exec "\$node" unshare --uts --mount sh -c "hostname \$node; mount --bind $work/\$node /dev/shm; export TMPDIR=$work/\$node; exec \$*"
TEXT
chmod +x "$work/agent"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 RULEZERO_CPU=portable
mpi=(mpirun -q --hostfile "$work/hosts" -n "$nodes" --bind-to none --map-by node -x RULEZERO_CPU --mca plm_rsh_agent "$work/agent" --mca btl "tcp,self"
    --mca btl_tcp_if_include "$net.0/24" --mca oob_tcp_if_include "$net.0/24")
steps=${STEPS:-24}
more=() # keys of a case
job() { # OUT
    printf '%s\n' "$rulezero" train "$root/tests/system/short.yaml" "steps=$steps" checkpoint.every=2 prompts_per_step=12 "out=$1" "${more[@]}"
}
# start OUT [WORD …]: the job on all nodes, behind WORDs (launch --), in the background; its output in OUT.log.
start() {
    local out=$1 words
    shift
    mapfile -t words < <(job "$out")
    "$work/agent" rzn1 "$@" "${mpi[@]}" "${words[@]}" >"$out.log" 2>&1 &
    started=$!
}
steps_done() { wc -l 2>/dev/null <"$1/metrics.jsonl" || echo 0; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
# wait_until SECONDS COMMAND …
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}
at_least() { (($(steps_done "$1") >= $2)); }
gone() { ! kill -0 "$1" 2>/dev/null; }
process_on() { # NODE NAME: numbers of processes of that name there
    local pid
    for pid in $(ip netns pids "$1"); do
        [[ $(cat "/proc/$pid/comm" 2>/dev/null) != "$2" ]] || echo "$pid"
    done
}
none_on() { [[ -z $(process_on "$1" "$2") ]]; }
said() { grep -qF -- "$2" "$1"; }
same_bits() {
    "$rulezero" diff "$work/truth" "$1" >"$1.diff" 2>&1 || fail "$2: other bits than without mpirun" "$1.diff"
    [[ $(wc -l <"$1/metrics.jsonl") == "$steps" ]] || fail "$2: metrics.jsonl has not $steps lines"
}

normal() {
    local out=$work/normal
    start "$out"
    wait "$started" || fail "normal: status $?" "$out.log"
    same_bits "$out" normal
    echo "ok      $nodes machines over TCP: the bits of one process"
}

# A fault under launch: FAULT is called when training goes on, then the job must be down, back, and end in the same bits.
under_launch() { # NAME WORDS FAULT [HEAL]
    local out=$work/$1 at back
    start "$out" "$rulezero" launch --
    wait_until 60 at_least "$out" 6 || fail "$1: no training" "$out.log"
    at=$(now)
    "$3"
    wait_until 60 said "$out.log" "the job ended with status" || fail "$1: launch has not noticed" "$out.log"
    local down
    down=$(since "$at")
    "${4-true}"
    wait_until 60 said "$out.log" "resuming from" || fail "$1: not back in training" "$out.log"
    back=$(since "$at")
    wait "$started" || fail "$1: status $?" "$out.log"
    same_bits "$out" "$1"
    echo "ok      $2 under launch: down in $down s ($(grep -o 'ended with status [0-9]*' "$out.log" | tr '\n' ' ')), back in training in $back s, the same bits"
}
kill_rank() { process_on rzn2 "$program" | head -n 1 | xargs kill -KILL; }
kill_daemon() { process_on rzn3 orted | xargs kill -KILL; }
pull_cable() { ip link set rzv2 down; }
plug_cable() { # as somebody does who then looks whether the link is there: what the neighbours have noted as unreachable is forgotten
    local i
    ip link set rzv2 up
    sleep 1
    for ((i = 1; i <= nodes; i++)); do ip -n "rzn$i" neigh flush all; done
}
rank() { under_launch rank "a rank on another machine killed" kill_rank; }
daemon() { under_launch daemon "mpirun's daemon on another machine killed" kill_daemon; }
cable() { under_launch cable "a cable pulled, and plugged when the job was down," pull_cable plug_cable; }

# The same without launch, whose settings are given by hand; then the same command again.
cable_by_hand() {
    local out=$work/by-hand at status=0
    export OMPI_MCA_oob_tcp_keepalive_time=3 OMPI_MCA_oob_tcp_keepalive_intvl=1 OMPI_MCA_oob_tcp_keepalive_probes=3
    start "$out"
    wait_until 60 at_least "$out" 6 || fail "cable_by_hand: no training" "$out.log"
    at=$(now)
    pull_cable
    wait_until 60 gone "$started" || fail "cable_by_hand: it does not end" "$out.log"
    local down
    down=$(since "$at")
    wait "$started" || status=$?
    wait_until 60 none_on rzn2 "$program" || fail "cable_by_hand: the rank on the machine without a cable does not end"
    local rest
    rest=$(since "$at")
    plug_cable
    start "$out"
    wait "$started" || fail "cable_by_hand: resumed with status $?" "$out.log"
    same_bits "$out" cable_by_hand
    echo "ok      a cable pulled, by hand: down in $down s (status $status), on the machine without a cable in $rest s; resumed, the same bits"
}

# A rank that is stopped on a machine of its own: those on the others see only that it does not come. The first of them says so, within two seconds of its deadline, and
# the second, where mpirun takes longer than it waits (0.7 s).
stopped() {
    local rank out at status told down
    for rank in 2 0; do
        out=$work/stopped$rank status=0
        more=(watchdog.step_s=3 "fault=stop:rank=$rank,step=7")
        start "$out"
        wait_until 60 test -e "$out/faults" || fail "stopped: rank $rank was not" "$out.log"
        at=$(now)
        wait_until 60 gone "$started" || fail "stopped: nobody notices that rank $rank is" "$out.log"
        down=$(since "$at")
        wait "$started" || status=$?
        told=$(grep -c '^rulezero: ' "$out.log")
        ((status == 86 && told >= 1 && told <= 2)) || fail "stopped: rank $rank: status $status, told $told times" "$out.log"
        wait_until 60 none_on "rzn$((rank + 1))" "$program" || fail "stopped: rank $rank is there still"
        start "$out"
        wait "$started" || fail "stopped: resumed with status $?" "$out.log"
        more=()
        same_bits "$out" stopped
        echo "ok      rank $rank stopped on a machine of its own, watchdog.step_s=3: down in $down s (status $status); resumed, the same bits"
    done
}

mapfile -t words < <(job "$work/truth")
"${words[@]}" >"$work/truth.log" 2>&1 || fail "the run without mpirun: status $?" "$work/truth.log"
(($#)) || set -- normal rank daemon cable cable_by_hand stopped
for name in "$@"; do
    case $name in
    normal | rank | daemon | cable | cable_by_hand | stopped) "$name" ;;
    *) fail "there is no case $name; there are normal, rank, daemon, cable, cable_by_hand, stopped" ;;
    esac
done
