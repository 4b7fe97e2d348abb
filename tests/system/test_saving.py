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
    return sorted(int(name[5:-3]) for name in os.listdir(f"{out}/{folder}") if re.fullmatch(r"step-\d+\.h5", name))


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


# ---- where there is no room ----

SMALL = ["train", GRPO, "steps=40", "checkpoint.every=1", "checkpoint.keep=1", "eval.every=20"]


def fill(disk):
    """To the last byte; what is removed again."""
    with open(f"{disk}/filler", "wb", buffering=0) as f:
        try:
            while True:
                check(f.write(bytes(4096)) > 0, "nothing written")
        except OSError:
            pass
    return f"{disk}/filler"


def hear(process, word):
    """Reads what the process says until a line holds the word. All of it so far."""
    said = ""
    for line in process.stderr:
        said += line
        if word in line:
            return said
    raise AssertionError(f"nothing said of '{word}'\n{said}")


def until_full(job, disk, out):
    """Starts the job, and fills its disk behind the second checkpoint."""
    process = start(job, ranks=2)
    check(wait_for(lambda: os.path.isdir(f"{out}/checkpoints") and kept(out) and max(kept(out)) >= 2, process), "no checkpoint came")
    fill(disk)
    return process


IN_PARTS = ["checkpoint.part_bytes=500000"]  # five parts


def parts_left(out):
    """Parts without their checkpoint."""
    return [path for path in glob.glob(f"{out}/checkpoints/*.part-*") if not os.path.exists(path[:path.rindex(".part-")])]


def goes_on_when_full(folder, disk, more):
    out = f"{disk}/run"
    job = SMALL + more + ["on_save_error=continue", f"out={out}"]
    process = until_full(job, disk, out)
    try:
        said = hear(process, "not saved: ")
        before = kept(out)
        check(before, "no checkpoint is left")
        rulezero("inspect", f"{out}/checkpoints/step-{before[-1]:06}.h5").expect(OK)
        os.unlink(f"{disk}/filler")
        result = finish(process).expect(OK, "saved again: ")
    finally:
        process.kill()
    told = [line for line in (said + result.err).splitlines() if "not saved: " in line]
    check(len(told) == 1 and "No space left on device" in told[0], told)
    each_step_once(out, 40)
    lines = metrics(out)
    check(lines[-1]["checkpoint/failed"] >= 1 and lines[0]["checkpoint/failed"] == 0, "failures were not counted")
    check("not saved: " in open(f"{out}/log.txt").read(), "log.txt does not tell")
    check(not parts_left(out) and bool(glob.glob(f"{out}/checkpoints/*.part-*")) == bool(more), os.listdir(f"{out}/checkpoints"))
    rulezero(*SMALL, f"out={folder}/truth").expect(OK)
    rulezero("diff", f"{folder}/truth", out).expect(OK, "identical")


for words, more in ("", []), (", in parts", IN_PARTS):
    case(f"a full disk: on_save_error=continue goes on, loses nothing, and saves when there is room again{words}")(
        mounted("size=64m")(lambda folder, disk, more=more: goes_on_when_full(folder, disk, more)))


@case("a full disk to the end: on_save_error=continue ends with 74 too, the last checkpoint is whole, and the run goes on from it")
@mounted("size=64m")
def _(folder, disk):
    out = f"{disk}/run"
    process = until_full(SMALL + ["on_save_error=continue", f"out={out}"], disk, out)
    try:
        result = finish(process).expect(IO, "No space left on device", "not saved: ")
    finally:
        process.kill()
    check(sum(line.startswith("rulezero: ") for line in result.err.splitlines()) == 1, result)
    check(not glob.glob(f"{out}/*/.*"), "half a file was left behind")
    check(all(line.endswith("}\n") for line in open(f"{out}/metrics.jsonl")), "a line is torn")
    for name in os.listdir(f"{out}/checkpoints"):
        rulezero("inspect", f"{out}/checkpoints/{name}").expect(OK)
    os.unlink(f"{disk}/filler")
    rulezero(*SMALL, f"out={out}", ranks=2).expect(OK, "resuming from")
    rulezero(*SMALL, f"out={folder}/truth").expect(OK)
    identical(f"{folder}/truth", out)


def ends_when_full(folder, disk, more):
    out = f"{disk}/run"
    process = until_full(SMALL + more + [f"out={out}"], disk, out)
    try:
        result = finish(process).expect(IO, "No space left on device")
    finally:
        process.kill()
    check(not parts_left(out), os.listdir(f"{out}/checkpoints"))
    os.unlink(f"{disk}/filler")
    rulezero(*SMALL, f"out={out}").expect(OK, "resuming from")
    rulezero(*SMALL, f"out={folder}/truth").expect(OK)
    identical(f"{folder}/truth", out)


for words, more in ("", []), (", in parts", IN_PARTS):
    case(f"a full disk ends the job with 74: the message has the bytes needed and left{words}")(
        mounted("size=64m")(lambda folder, disk, more=more: ends_when_full(folder, disk, more)))


@case("no room for a single checkpoint is told before the first step, and by --dry-run")
@mounted("size=1m")
def _(folder, disk):
    for more in [], ["--dry-run"], ["on_save_error=continue"]:
        sentence = rulezero(*SMALL, f"out={disk}/run", *more).expect(IO, "No space left on device").err.splitlines()[-1]
        need, left = map(int, re.search(r"need (\d+) bytes, and the file system has (\d+) left", sentence).groups())
        check(left < 1 << 20 < need < 4 << 20, sentence)


@case("a folder of checkpoints that becomes read-only: 74, or on with on_save_error=continue")
@mounted("size=64m")
def _(folder, disk):
    """By a mount of the folder on itself, since the file system has open files and we may be root."""
    out = f"{disk}/run"
    inner = f"{out}/checkpoints"
    os.makedirs(inner)
    subprocess.run(["mount", "--bind", inner, inner], check=True)
    try:
        for more, status in ([], IO), (["on_save_error=continue"], OK):
            process = start(SMALL + more + [f"out={out}", "checkpoint.every=3"])
            try:
                check(wait_for(lambda: kept(out), process), "no checkpoint came")
                check(wait_for(lambda: subprocess.run(["mount", "-o", "remount,bind,ro", inner], capture_output=True).returncode == 0, process), "it was always busy")
                said = hear(process, "not saved: ") if status == OK else ""
                subprocess.run(["mount", "-o", "remount,bind,rw", inner], check=True) if status == OK else None
                result = finish(process).expect(status)
                check("Read-only file system" in said + result.err, said, result)
            finally:
                process.kill()
            subprocess.run(["mount", "-o", "remount,bind,rw", inner], check=True)
            rulezero("inspect", f"{inner}/step-{kept(out)[-1]:06}.h5").expect(OK)
        rulezero(*SMALL, f"out={folder}/truth").expect(OK)
        identical(f"{folder}/truth", out)
    finally:
        subprocess.run(["umount", "-l", inner], check=True)


if __name__ == "__main__":
    try:
        main(workers=2)
    finally:
        shutil.rmtree(truth_folder, ignore_errors=True)
