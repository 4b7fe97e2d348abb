"""Every system call by which a job changes its run directory is made to fail, with EIO and with ENOSPC, and to be the moment of a kill -9.

strace lists the calls of an undisturbed job and injects one fault a run (`-P FILE -e inject=CALL:…:when=K`: the K-th such call of a thread on that file). Several
lives are listed: a job that begins, those that go on from what a kill later on has left, one for every checkpoint, and the last of these with checkpoints in parts. After a fault the status and the message must be
right (74 or 73 and a sentence that names the file and the reason; or the job did without that call and ended well), the checkpoints that are there must be
those of their steps, never torn; and the same command, undisturbed, must end as the job that nobody hurt.

    tests/crash/syscalls.py [--all | --sample N] [--seed S] [--workers W] [--list]     (from the repository's root, with RULEZERO=build/rulezero)
"""
import argparse
import collections
import datetime
import errno

from tiny import *

STEPS = 3
CALLS = ("write", "pwrite64", "fsync", "fdatasync", "sync_file_range", "rename", "renameat", "renameat2", "ftruncate", "truncate", "fallocate", "openat", "unlink", "unlinkat",
         "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat")
LIVES = {"beginning": None, **{f"going on from {step}": step for step in range(1, STEPS)}, "in parts": STEPS - 1}  # from which checkpoint
ACTIONS = ("EIO", "ENOSPC", "KILL")
SKIPPED = 77
# Calls whose failure costs nothing that matters, so that the job goes on: old files that are no longer wanted, notes for people.
HARMLESS = re.compile(r"unlink.*|.* (log\.txt|lock|\.report\.html\..*)")
outcomes = collections.Counter()

# A call: the K-th of this name on this file by its thread; harmless: it fails anyway (a folder that is there already), or only syncs the name of the report.
# Files are relative to the run directory; a temporary name ends in PID.
Call = collections.namedtuple("Call", "life name file k harmless")


def strace_works():
    try:
        return subprocess.run(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=none", "true"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def traced(options, log, job):
    """The job under a strace that is no parent of it (-D): its number and its status are its own. $$ in the options is that number."""
    words = ["strace", "-D", "-f", "-qq", "-y", "-o", shlex.quote(log), *options, shlex.quote(BINARY), *map(shlex.quote, job)]
    return finish(subprocess.Popen(["sh", "-c", "exec " + " ".join(words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))


def listed(life, log, out):
    """The calls in strace's log that name something in the run directory: those that a fault can be put into, and the others. strace counts by threads, and each
    checkpoint is written by one of its own: what an earlier thread did too, a fault would find there."""
    found, others, seen, reached = [], [], collections.Counter(), set()
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            call = re.match(r"(\d+) +(\w+)\((.*)", line)
            if not call or call[2] not in CALLS or f"{out}/" not in line and f"{out}>" not in line and f'{out}"' not in line:
                continue
            thread, name = call[1], call[2]
            path = re.match(r"\d+<([^>]*)>", call[3]) or re.search(r'"([^"]*)"', call[3])
            file = os.path.relpath(path[1], out)
            if os.path.basename(file).startswith("."):
                file = re.sub(r"-\d+$", "-PID", file)
            seen[thread, name, file] += 1
            k = seen[thread, name, file]
            first = (name, file, k) not in reached
            reached.add((name, file, k))
            if name != "openat" or "O_CREAT" in line:
                harmless = " = -1 " in line or bool(found) and file == "." and found[-1].file.startswith(".report.html")
                (found if first else others).append(Call(life, name, file, k, harmless))
    return found, others


class Rig:
    """A base, the truth, and the lives."""

    def __init__(self, folder):
        self.folder, self.base = folder, make_base(f"{folder}/base")
        self.truth = f"{folder}/truth"
        rulezero(*self.job("beginning", self.truth), f"checkpoint.keep={STEPS}").expect(OK)
        for life, step in LIVES.items():
            if step:
                self.cut(life, step, f"{folder}/{life} from")

    def cut(self, life, step, out):
        """As a kill at the end of the last step would leave it, if only the checkpoint of `step` stood by then, and the parts of the last one."""
        rulezero(*self.job(life, out), f"checkpoint.keep={STEPS}").expect(OK)
        check(bool(parts(out, STEPS)) == (life == "in parts"), os.listdir(f"{out}/checkpoints"))
        for name in f"checkpoints/step-{STEPS:06}.h5", "model.h5", "report.html":
            os.unlink(f"{out}/{name}")
        for other in range(1, STEPS):
            for path in [checkpoint(out, other), *parts(out, other)] if other != step else []:
                os.unlink(path)
        for name in f"checkpoints/.step-{step + 1:06}.h5.HOST-gone", ".model.h5.HOST-gone":
            with open(f"{out}/{name}", "wb") as f:
                f.write(b"torn")

    def job(self, life, out):
        return ["train", TINY, f"model={self.base}", f"steps={STEPS}", "checkpoint.keep=1", f"out={out}"] + [IN_PARTS] * (life == "in parts")

    def place(self, life, folder):
        out = f"{folder}/run"
        if LIVES[life]:
            shutil.copytree(f"{self.folder}/{life} from", out)
        return out

    def calls(self):
        found, others = [], []
        for life in LIVES:
            folder = f"{self.folder}/{life}"
            os.mkdir(folder)
            out = self.place(life, folder)
            traced(["-e", "trace=" + ",".join(CALLS)], f"{folder}/log", self.job(life, out)).expect(OK)
            for calls, more in zip((found, others), listed(life, f"{folder}/log", out)):
                calls += more
        same = {(call.name, call.file, call.k) for call in found if call.life != "beginning"}
        for call in others:  # a later save of a life is the first one of a later life
            check((call.name, call.file, call.k) in same, "out of reach:", call)
        return found


def strike(rig, call, action, folder):
    """One run with one fault. Its result, and whether the fault came."""
    out, log = rig.place(call.life, folder), f"{folder}/log"
    file = os.path.normpath(f"{out}/{call.file}")
    name = shlex.quote(file[:-3]) + "$$" if file.endswith("-PID") else shlex.quote(file)
    fault = "signal=KILL" if action == "KILL" else f"error={action}"
    result = traced(["-P", name, "-e", f"trace={call.name}", "-e", f"inject={call.name}:{fault}:when={call.k}"], log, rig.job(call.life, out))
    with open(log, encoding="utf-8", errors="replace") as f:
        came = re.search(r"INJECTED|killed by SIGKILL", f.read())
    return out, result, bool(came)


def attempt(rig, call, action):
    def run(folder):
        out, result, came = strike(rig, call, action, folder)
        check(came, f"the call was not made\n{result}")
        if action == "KILL":
            check(result.status == -signal.SIGKILL, result)
            outcomes["killed"] += 1
        elif result.status == OK:
            check(call.harmless or HARMLESS.fullmatch(f"{call.name} {call.file}"), f"the job passed over it\n{result}")
            outcomes["done without"] += 1
        else:
            check(result.status in (IO, CREATE), result)
            last = [line for line in result.err.splitlines() if line.startswith("rulezero: ")]
            check(len(last) == 1 and out in last[0] and os.strerror(getattr(errno, action)) in last[0], f"one sentence with the file and the reason\n{result}")
            outcomes[f"ended with {result.status}"] += 1
        for step in checkpoints(out):  # old or new, none torn
            rulezero("diff", checkpoint(rig.truth, step), checkpoint(out, step)).expect(OK, "identical")
        outcomes[f"newest checkpoint {(checkpoints(out) or ['none'])[-1]}"] += 1
        rulezero(*rig.job(call.life, out)).expect(OK)
        no_part_is_left(out)
        each_step_once(out, STEPS)
        identical(rig.truth, out)
        left = [name for name in os.listdir(out) + os.listdir(f"{out}/checkpoints") + os.listdir(f"{out}/rollouts") + os.listdir(f"{out}/eval") if name.startswith(".")]
        check(not left, f"left lying about: {left}")
    return run


def choose(calls, options):
    """(call, action) of all, of a sample, or the first and the last call of each kind on each file, the actions taking turns."""
    every = [(call, action) for call in calls for action in ACTIONS]
    if options.all:
        return every
    if options.sample:
        return random.Random(options.seed).sample(every, min(options.sample, len(every)))
    kinds = collections.defaultdict(list)
    for call in calls:
        kinds[call.name, re.sub(r"\d+", "N", call.file)].append(call)
    chosen = [call for kind in kinds.values() for call in (kind[0], kind[-1])[:len(kind)]]
    return [(call, ACTIONS[i % len(ACTIONS)]) for i, call in enumerate(chosen)]


def run():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--all", action="store_true", default=LONG, help="every call with every action")
    options.add_argument("--sample", type=int, help="so many of them")
    options.add_argument("--seed", type=int, default=1, help="of the sample")
    options.add_argument("--workers", type=int, default=3, help="runs at a time")
    options.add_argument("--list", action="store_true", help="only list the calls")
    options = options.parse_args()
    sys.argv[1:] = []
    if not strace_works():
        print("no strace here, or it may not trace: skipped")
        sys.exit(SKIPPED)
    folder, begin = tempfile.mkdtemp(prefix="rulezero-syscalls-"), time.monotonic()
    chosen = []
    try:
        rig = Rig(folder)
        calls = rig.calls()
        say(f"{len(calls)} calls: " + ", ".join(f"{n} {name}" for name, n in collections.Counter(c.name for c in calls).most_common()))
        if options.list:
            sys.exit(any(print(f"{c.life}: {c.name} {c.file} {c.k}") for c in calls))
        chosen = choose(calls, options)
        for call, action in chosen:
            case(f"{action} at {call.name} {call.k} of {call.file}, {call.life}")(attempt(rig, call, action))
        main(options.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        say(f"{datetime.date.today()}: {len(chosen)} faults in {time.monotonic() - begin:.0f} s: " + ", ".join(f"{what}: {n}" for what, n in sorted(outcomes.items())))


if __name__ == "__main__":
    run()
