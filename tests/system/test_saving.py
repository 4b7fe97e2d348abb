"""Checkpoints are written beside the training, when they should be, and those stay that should: whatever is asked for, the run is the same."""
import glob

from common import *

STEPS = 12
JOB = ["train", GRPO, f"steps={STEPS}", "prompts_per_step=6", "group_size=6", "rollout.max_new=32", "checkpoint.every=0"]
SLOW = "portable"  # the same bits, and time to look
truth_folder = tempfile.mkdtemp(prefix="rulezero-truth-")
truth_lock = threading.Lock()


def truth():
    with truth_lock:
        out = f"{truth_folder}/run"
        if not os.path.exists(out):
            rulezero(*JOB, "eval.every=2", f"out={out}").expect(OK)
        return out


def kept(out, folder="checkpoints"):
    return sorted(int(name[5:-3]) for name in os.listdir(f"{out}/{folder}") if name.startswith("step-"))


# ---- when ----

@case("by default a short run writes its last checkpoint alone")
def _(folder):
    rulezero(*JOB, "eval.every=2", f"out={folder}/run", ranks=2).expect(OK)
    check(kept(f"{folder}/run") == [STEPS], kept(f"{folder}/run"))
    identical(truth(), f"{folder}/run")


@case("checkpoint.seconds: checkpoints come by time, and change no bit")
def _(folder):
    out = f"{folder}/run"
    job = JOB + ["eval.every=2", f"out={out}", "checkpoint.seconds=0.05", "checkpoint.keep=100"]
    process = start(job, ranks=2, cpu=SLOW)
    try:
        check(wait_for(lambda: os.path.isdir(f"{out}/checkpoints") and len(kept(out)) >= 2, process), "no checkpoints came")
        process.send_signal(signal.SIGKILL)
    finally:
        finish(process)
    rulezero(*job, ranks=3, cpu=SLOW).expect(OK, "resuming from")
    check(len(kept(out)) >= 3, kept(out))
    each_step_once(out, STEPS)
    identical(truth(), out)


# ---- beside ----

def traced(job, *injections):
    """The job without mpirun, with some of its system calls made slow. strace goes first, and the job is in its session."""
    words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,rename"]
    for injection in injections:
        words += ["-e", f"inject={injection}"]
    return subprocess.Popen(words + command(job), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def can_trace():
    try:
        return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def kill_session(process):
    for pid in session_of(process):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    finish(process)


@case("the next steps go on while a checkpoint is written; a kill meanwhile costs that checkpoint alone")
def _(folder):
    if not can_trace():
        return say("                 (skipped: strace is missing or may not trace)")
    out = f"{folder}/run"
    job = JOB + ["eval.every=2", f"out={out}", "checkpoint.keep_every=4"]
    writing = lambda: glob.glob(f"{out}/rollouts/.step-000008.h5.*") + glob.glob(f"{out}/checkpoints/.step-000008.h5.*")
    beside = lambda: writing() and count_lines(f"{out}/metrics.jsonl") > 8
    process = traced(job, "fsync:delay_enter=500000")  # half a second each: steps for sure
    try:
        check(wait_for(beside, process), "no step went on while the checkpoint of step 8 was written")
        kill_session(process)
    finally:
        process.kill()
    check(kept(out) == [4], kept(out))
    rulezero(*job, ranks=2).expect(OK, f"resuming from {out}/checkpoints/step-000004.h5")
    check(not glob.glob(f"{out}/checkpoints/.*"), "half a file is left")
    each_step_once(out, STEPS)
    identical(truth(), out)


@case("a job that is stopped while a checkpoint is written ends with both")
def _(folder):
    if not can_trace():
        return say("                 (skipped: strace is missing or may not trace)")
    out = f"{folder}/run"
    job = JOB + ["eval.every=2", f"out={out}", "checkpoint.every=4"]
    process = traced(job, "fsync:delay_enter=200000")
    try:
        check(wait_for(lambda: glob.glob(f"{out}/checkpoints/.step-000004.h5.*"), process), "it was never written")
        open(f"{out}/stop", "w").close()
        result = finish(process).expect(STOPPED, "by the file `stop`")
    finally:
        process.kill()
    steps = kept(out)
    check(len(steps) == 2 and steps[0] == 4 and f"stopped at step {steps[1]} of" in result.err, steps, result)
    rulezero(*job).expect(OK, "resuming from")
    identical(truth(), out)


# ---- which ----

def best_of(out, steps):
    accuracy = {line["step"]: line["accuracy"] for line in lines_of(f"{out}/eval.jsonl")}
    return max((s for s in steps if s in accuracy), key=lambda s: (accuracy[s], -s))


@case("checkpoint.keep, keep_every and keep_best say which stay")
def _(folder):
    asked = ["eval.every=2", "checkpoint.every=1", "checkpoint.keep=2", "checkpoint.keep_every=5"]
    rulezero(*JOB, *asked, f"out={folder}/run").expect(OK)
    check(kept(f"{folder}/run") == [5, 10, 11, 12], kept(f"{folder}/run"))
    identical(truth(), f"{folder}/run")
    rulezero(*JOB, *asked, "checkpoint.keep_best=true", f"out={folder}/best", ranks=2).expect(OK)
    best = best_of(truth(), range(1, STEPS + 1))
    check(kept(f"{folder}/best") == sorted({5, 10, 11, 12, best}), best, kept(f"{folder}/best"))
    identical(truth(), f"{folder}/best")


@case("checkpoint.keep_best alone writes one at each evaluation that is the best so far, also behind a resume")
def _(folder):
    out = f"{folder}/run"
    job = JOB + ["eval.every=2", "checkpoint.keep_best=true", "checkpoint.keep=1", "checkpoint.seconds=0", f"out={out}"]
    accuracy = {line["step"]: line["accuracy"] for line in lines_of(f"{truth()}/eval.jsonl")}
    records, best = [], -1
    for step in sorted(accuracy):
        if step and accuracy[step] > best:
            best = accuracy[step]
            records.append(step)
    open_at = records[0] + 1
    process = start(job, cpu=SLOW)
    try:
        check(wait_for(lambda: count_lines(f"{out}/metrics.jsonl") >= open_at, process), "it ended")
        open(f"{out}/stop", "w").close()
    finally:
        result = finish(process)
    result.expect(STOPPED)
    rulezero(*job).expect(OK, "resuming from")
    check(kept(out) == sorted({records[-1], STEPS}), accuracy, kept(out))
    identical(truth(), out)


@case("where a run with broken numbers goes back to does not hang on the clock")
def _(folder):
    job = JOB + ["steps=15", "checkpoint.every=4", "checkpoint.keep=1", "fault=nan:what=reward,step=11,times=3"]
    for name, more in ("truth", ["checkpoint.seconds=0"]), ("run", ["checkpoint.seconds=0.001"]):
        rulezero(*job, *more, f"out={folder}/{name}").expect(OK, "gone back to step 8")
    identical(f"{folder}/truth", f"{folder}/run")


if __name__ == "__main__":
    try:
        main(workers=2)
    finally:
        shutil.rmtree(truth_folder, ignore_errors=True)
