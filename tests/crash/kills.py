"""kill -9 at random moments of a training's whole life, and what is left of it goes on as if nothing had been.

A trial: the tiny job is started on a random number of ranks (0: without mpirun) and killed at a random moment: mpirun, one rank, or every process
of it at once; a part of the trials are started and killed again. After every kill the newest checkpoint must open and be that of its step. Then
the job goes on, on another random number of ranks, and must end as the job that nobody killed: weights, metrics, rollouts, evaluations.

    tests/crash/kills.py [--number N] [--seed S] [--workers W]     (from the repository's root, with RULEZERO=build/rulezero)
"""
import argparse
import datetime

from tiny import *

STEPS = 24
WHAT = "mpirun", "rank", "all"
counts, counting = {}, threading.Lock()


def count(what):
    with counting:
        counts[what] = counts.get(what, 0) + 1


def ranks_of(process):
    """Its ranks: what is called rulezero and is not a rank's child, which helpers are."""
    found = {}
    for pid in session_of(process):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                head, _, rest = f.read().rpartition(")")
            if head.partition("(")[2] == os.path.basename(BINARY)[:15]:
                found[pid] = int(rest.split()[1])
        except OSError:  # it has ended since
            pass
    return sorted(pid for pid, parent in found.items() if parent not in found)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def strike(process, what, ranks, draw):
    """What there is of it at this moment is killed."""
    if what == "all":
        for _ in range(2):  # who was born while we counted
            for pid in session_of(process):
                kill(pid)
    elif what == "rank" and ranks:
        found = ranks_of(process)
        if found:
            kill(draw.choice(found))
        else:
            kill(process.pid)
    else:
        kill(process.pid)


def stage(out):
    """How far it is when it is killed."""
    if not os.path.exists(f"{out}/lock"):
        return "before the run directory"
    done = count_lines(f"{out}/metrics.jsonl")
    return "before the first step" if not done else "between the steps" if done < STEPS else "behind the last step"


def wait_for_moment(process, out, moment, draw, life):
    """A fifth of the moments each are drawn from the whole life and from the time with a run directory, the others from the 50 ms behind a step."""
    had = os.path.exists(f"{out}/lock") and os.stat(f"{out}/lock").st_mtime_ns
    opened = lambda: os.path.exists(f"{out}/lock") and os.stat(f"{out}/lock").st_mtime_ns != had
    kind, step = draw.choice(("life", "directory", "step", "step", "step")), draw.randrange(1, STEPS)
    started = lambda: kind == "life" or (opened() and (kind == "directory" or count_lines(f"{out}/metrics.jsonl") >= step))
    while not started() and process.poll() is None:
        time.sleep(0.002)
    time.sleep(moment * {"life": life[0], "directory": life[1], "step": 0.05}[kind])


def killed(job, out, ranks, draw, life):
    """One start and one kill."""
    what, moment = draw.choice(WHAT), draw.random()
    process = start(job, ranks=ranks, session=True)
    begin = time.monotonic()
    try:
        wait_for_moment(process, out, moment, draw, life[ranks])
        after, where = time.monotonic() - begin, stage(out)
        if process.poll() is not None:
            where = "behind the end"
        strike(process, what, ranks, draw)
        result = finish(process)
    finally:
        for pid in session_of(process):
            kill(pid)
    count(what if ranks else "without mpirun")
    count(where)
    return f"{ranks} ranks, {what} killed after {after:.2f} s, {where}, status {result.status}"


def trial(number, seed, base, truth, life):
    def attempt(folder):
        draw = random.Random(f"{seed}/{number}")
        out, story = f"{folder}/run", []
        job = ["train", TINY, f"model={base}", f"steps={STEPS}", f"out={out}", f"checkpoint.every={draw.randint(1, 4)}", f"checkpoint.keep={draw.randint(1, 3)}"]
        if number % 2:  # checkpoints in parts; of those every other one goes on with checkpoints in one file
            job.append(IN_PARTS)
            count("in parts")
        for _ in range(draw.choice((1, 1, 1, 2))):
            story.append(killed(job, out, draw.randint(0, 4), draw, life))
            try:
                newest = newest_is_whole(out, truth)
            except AssertionError as e:
                raise AssertionError(f"{story}: the newest checkpoint: {e}") from e
            story.append(f"newest checkpoint {newest or 'none'}")
        ranks = draw.randint(1, 4)
        result = rulezero(*job, *(["checkpoint.part_bytes=1e9"] if number % 4 == 3 else []), ranks=ranks)
        check(result.status == OK, story, result)
        try:
            each_step_once(out, STEPS)
            no_part_is_left(out)
            rulezero("diff", truth, out).expect(OK, "identical")
        except AssertionError as e:
            raise AssertionError(f"{story}, finished on {ranks}: {e}") from e
        count("resumed" if "resuming from" in result.err else "begun anew" if "train 1/" in result.err else "found finished")
    return attempt


def measure(folder, base):
    """The truth, and how long an undisturbed run takes for each number of ranks: all of it, and from its run directory on."""
    life = {}
    for ranks in range(5):
        out = f"{folder}/truth-{ranks}"
        begin = time.time()
        rulezero("train", TINY, f"model={base}", f"steps={STEPS}", f"out={out}", f"checkpoint.keep={STEPS}", ranks=ranks).expect(OK)
        life[ranks] = time.time() - begin, time.time() - os.stat(f"{out}/lock").st_mtime
    return f"{folder}/truth-1", life


def run():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--number", type=int, default=50 if LONG else 8, help="trials")
    options.add_argument("--seed", type=int, default=1, help="of all that is drawn; moments are as exact as the machine is quiet")
    options.add_argument("--workers", type=int, default=3, help="trials at a time")
    options = options.parse_args()
    sys.argv[1:] = []
    folder = tempfile.mkdtemp(prefix="rulezero-kills-")
    begin, spent = time.monotonic(), os.times()
    try:
        base = make_base(f"{folder}/base")
        truth, life = measure(folder, base)
        say("an undisturbed run takes " + ", ".join(f"{a:.2f} s on {r} ranks ({b:.2f} s of it with a run directory)" for r, (a, b) in life.items()))
        for i in range(options.number):
            case(f"kill -9, trial {i} (seed {options.seed})")(trial(i, options.seed, base, truth, life))
        main(options.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        now = os.times()
        cpu = now.children_user + now.children_system - spent.children_user - spent.children_system
        say(f"{datetime.date.today()}: {options.number} trials with seed {options.seed} in {time.monotonic() - begin:.0f} s, {cpu / max(options.number, 1):.2f} s of processor time each: "
            + ", ".join(f"{what}: {n}" for what, n in sorted(counts.items())))


if __name__ == "__main__":
    run()
