"""What a job does about faults, which are made on purpose (docs/faults.md): a rank that dies, stops, hangs or is slow, numbers that are not finite, disks that fail."""
import glob

from common import *

STEPS = 10
JOB = ["train", GRPO, f"steps={STEPS}", "checkpoint.every=2"]
WATCHDOG = 86


def lines_by_us(result):
    return [line for line in result.err.splitlines() if line.startswith("rulezero: ")]


# ---- numbers that are not finite ----

def ladder(what, fault, skipped, rollbacks, shift):
    """On one rank, on several, killed in between: the same bits, every step once, and the steps that were made have finite numbers."""
    def attempt(folder):
        job = JOB + ["checkpoint.keep=2", f"fault={fault}"]
        truth = f"{folder}/truth"
        result = rulezero(*job, f"out={truth}").expect(OK, f"step 5: {what}")
        check(("gone back to step 4" in result.err) == (rollbacks > 0), result)
        each_step_once(truth, STEPS)
        lines = metrics(truth)
        check(lines[-1]["guard/rollbacks"] == rollbacks, f"{lines[-1]['guard/rollbacks']} rollbacks, expected {rollbacks}")
        check(sum(line["guard/skipped"] for line in lines) == (0 if rollbacks else skipped), "steps left out that should be in the log")
        check(all((line["grad_norm"] is None) == (line["guard/skipped"] > 0) for line in lines), "a step was made of nothing, or not counted")
        told = rulezero("inspect", f"{truth}/checkpoints/step-{STEPS:06}.h5").expect(OK).out
        for name, value in ("data_shift", shift), ("rollbacks", rollbacks), ("skipped", skipped):
            check(re.search(rf"\b{name}\b\W+{value}\b", told), f"{name} is not {value}\n{told}")
        rulezero(*job, f"out={folder}/ranks", ranks=4).expect(OK)
        identical(truth, f"{folder}/ranks")
        for step, ranks, then in (6, 0, 3), (8, 2, 0):  # killed in the trouble, and behind it
            out = f"{folder}/killed{step}"
            first = rulezero(*job, "fault=" + json.dumps([fault, f"kill:rank=0,step={step}"]), f"out={out}", ranks=ranks)
            check(first.status in (-signal.SIGKILL, 137), first)
            # Checkpoints by the clock, at other steps each time: what the run goes back to is one of those by steps.
            rulezero(*job, "checkpoint.seconds=0.02", f"out={out}", ranks=then).expect(OK)
            identical(truth, out)
    return attempt


case("nan: a gradient, once: the update is left out")(ladder("the gradient is not finite", "nan:what=gradient,step=5", 1, 0, 0))
case("nan: a loss in two steps: the updates are left out")(ladder("the loss is not finite", "nan:what=loss,step=5,times=2", 2, 0, 0))
case("nan: a reward in three steps: the run goes back and on with other problems")(ladder("a score is not finite", "nan:what=reward,step=5,times=3", 3, 1, 3))
case("nan: weights: the run goes back at once, twice")(ladder("weights are not finite", "nan:what=weights,step=5,windows=2", 0, 2, 2))


@case("nan: a run that cannot be mended ends with 87, and what it has saved is finite")
def _(folder):
    out = f"{folder}/run"
    for ranks, more in (2, "guard.rollbacks=1"), (0, "guard.rollbacks=2"):
        result = rulezero(*JOB, f"out={out}", "fault=nan:what=loss,step=5,times=9,windows=9", more, ranks=ranks)
        result.expect(DIVERGED, "the run has diverged: at step 7 the loss is not finite", more.replace("guard.rollbacks=", "after going back ") + " times")
        check(len(lines_by_us(result)) == 1, result)
    rulezero("train", GRPO, f"model={sorted(glob.glob(f'{out}/checkpoints/step-*'))[-1]}", f"out={folder}/no-run", "--dry-run").expect(OK)
    early = rulezero(*JOB, f"out={folder}/early", "fault=nan:what=weights,step=1").expect(DIVERGED, "no checkpoint of checkpoint.every from before")
    # Those that the clock asks for are no place to go back to: there would be others on another machine.
    rulezero(*JOB, f"out={folder}/clock", "checkpoint.every=6", "checkpoint.seconds=0.02", "fault=nan:what=weights,step=5").expect(
        DIVERGED, "no checkpoint of checkpoint.every from before")
    check(len(lines_by_us(early)) == 1, early)
    rulezero(*JOB, f"out={out}").expect(OK)  # nothing that was wrong is left


@case("nan: a base in the making goes back too")
def _(folder):
    job = ["pretrain", BASE, "pretrain.steps=6", "checkpoint.every=2", "fault=nan:what=gradient,step=3,times=3,stage=pretrain"]
    rulezero(*job, f"out={folder}/one").expect(OK, "gone back to step 2")
    each_step_once(f"{folder}/one", 6)
    rulezero(*job, f"out={folder}/three", ranks=3).expect(OK)
    identical(f"{folder}/one", f"{folder}/three")


# ---- ranks ----

def since_fault(out):
    """Seconds since the (only) fault struck, which is remembered just before."""
    return time.time() - os.stat(f"{out}/faults").st_mtime


def ends(what, status, within, *words):
    """The job ends by itself with the status, says one sentence, which is in log.txt too, and the same command ends in the bits of a job without the fault."""
    def attempt(folder):
        out, job = f"{folder}/run", JOB + ["watchdog.step_s=2", "watchdog.save_s=2"]
        result = rulezero(*job, f"out={out}", f"fault={what}", ranks=3)
        took = since_fault(out)
        result.expect(status, *words)
        check(took < within, f"{took:.1f} s from the fault to the end, {within} s are allowed")
        told = lines_by_us(result)
        check(len(told) == 1 and "the same command goes on" in told[0].replace("The", "the"), result)
        with open(f"{out}/log.txt", encoding="utf-8") as f:
            check(told[0][len("rulezero: "):] in f.read(), "it is not in log.txt")
        say(f"                 {what}: status {status}, {took:.1f} s after the fault")
        rulezero(*job, f"out={out}", f"fault={what}").expect(OK)
        rulezero(*JOB, f"out={folder}/truth").expect(OK)
        identical(f"{folder}/truth", out)
    return attempt


KILLED, NOTICED = 5, 2 + 2 + 2  # seconds: what is promised; a limit of two, two more to notice it, two for mpirun to take the others down
case("a rank that is killed takes the job down")(ends("kill:rank=1,step=7", 137, KILLED, "rank 1 (process ", "died in step 7 (sample)"))
case("the first rank, killed while it updates")(ends("kill:rank=0,step=7,phase=update", 137, KILLED, "rank 0 (process ", "died in step 7 (update)"))
case("a rank that is stopped is noticed")(ends("stop:rank=1,step=3", WATCHDOG, NOTICED, "watchdog: rank 1 (process ", "in step 3 (sample)", "it is stopped", "waiting for it: 0, 2",
                                               "raise watchdog.step_s"))
case("a rank that hangs is noticed")(ends("hang:rank=2,step=3,phase=update", WATCHDOG, NOTICED, "watchdog: rank 2 (process ", "in step 3 (update)", "it computes"))
case("a rank that hangs while the others wait to save is noticed")(ends("hang:rank=0,step=4,phase=save", WATCHDOG, NOTICED, "in step 4 (save)", "watchdog.save_s"))


@case("a rank that is only slow is waited for, and so is a job that was stopped as a whole")
def _(folder):
    out = f"{folder}/run"
    process = start(JOB + [f"out={out}", "watchdog.step_s=4", "watchdog.save_s=4", 'fault=["slow:rank=1,step=3,seconds=3", "slow:rank=0,step=5,seconds=2"]'], ranks=3, session=True)
    check(wait_for(lambda: count_lines(f"{out}/metrics.jsonl") >= 4, process), "it ended")
    ours = session_of(process)
    for number in ours:
        os.kill(number, signal.SIGSTOP)
    time.sleep(6)
    for number in ours:
        os.kill(number, signal.SIGCONT)
    result = finish(process).expect(OK)
    check(not lines_by_us(result), result)
    rulezero(*JOB, f"out={folder}/truth").expect(OK)
    identical(f"{folder}/truth", out)


@case("without a limit nothing ends a rank that hangs")
def _(folder):
    process = start(JOB + [f"out={folder}/run", "watchdog.step_s=0", "fault=hang:rank=0,step=2"])
    time.sleep(4)
    check(process.poll() is None, "it ended")
    process.kill()
    finish(process)


# ---- disks ----

def disk(what, error, says):
    """Each call of a save that fails: 74 (or the run goes on, when it is a thing that can wait), and the checkpoint from before is whole."""
    def attempt(folder):
        out = f"{folder}/run"
        result = rulezero(*JOB, f"out={out}", f"fault=io:step=4,what={what},path=checkpoints/step-000004,error={error}").expect(IO, says, "step-000004.h5")
        check(len(lines_by_us(result)) == 1, result)
        kept = sorted(os.listdir(f"{out}/checkpoints"))
        check(kept == ["step-000002.h5"], f"in checkpoints: {kept}")
        rulezero("inspect", f"{out}/checkpoints/step-000002.h5").expect(OK)
        rulezero(*JOB, f"out={out}", ranks=2).expect(OK, "(step 2 of 10)")
        rulezero(*JOB, f"out={folder}/truth").expect(OK)
        identical(f"{folder}/truth", out)
    return attempt


case("a disk that is full while a checkpoint is written")(disk("write", "ENOSPC", "No space left on device"))
case("a disk with an error when a checkpoint is synced")(disk("fsync", "EIO", "Input/output error"))
case("a disk that becomes read-only before a checkpoint is renamed")(disk("rename", "EROFS", "Read-only file system"))


@case("a model file that is cut while it is read ends the job with a sentence")
def _(folder):
    process = start(JOB + [f"out={folder}/run", "steps=100000", "checkpoint.every=100000"])
    check(wait_for(lambda: count_lines(f"{folder}/run/metrics.jsonl") >= 1, process), "it ended")
    process.send_signal(signal.SIGBUS)  # as the kernel sends it for a page that is gone: a moment that a test cannot choose
    finish(process).expect(IO, "while it was read", "put it back")


@case("files that change under a running job are not looked at again")
def _(folder):
    copies = {"config": GRPO, "rules": "configs/rules/countdown.yaml", "model": MODEL}
    for name, path in copies.items():
        shutil.copy(path, f"{folder}/{name}")
    rulezero("data", "make", "countdown", "numbers=2", "max_input=20", "max_value=40", "--count", 60, "--seed", 1, "-o", f"{folder}/data.jsonl").expect(OK)
    shutil.copy("data/countdown/tokenizer.json", f"{folder}/tokenizer.json")
    job = ["train", f"{folder}/config", f"steps={STEPS}", f"rules={folder}/rules", f"model={folder}/model", f"data={folder}/data.jsonl", f"eval.data={folder}/data.jsonl", "eval.every=4",
           "checkpoint.every=2"]
    rulezero(*job, f"out={folder}/truth").expect(OK)
    process = start(job + [f"out={folder}/run"], ranks=2, cpu="portable")
    check(wait_for(lambda: count_lines(f"{folder}/run/metrics.jsonl") >= 1, process), "it ended")
    for name in [*copies, "data.jsonl", "tokenizer.json"]:
        with open(f"{folder}/{name}", "r+b") as f:  # in place: whoever has it open or mapped sees it
            f.truncate(100)
            f.write(b"something else")
    finish(process).expect(OK)
    identical(f"{folder}/truth", f"{folder}/run")


# ---- what is no fault ----

@case("texts that are no faults are refused before anything is written")
def _(folder):
    for text, says in ("kil:rank=1,step=3", "did you mean 'kill'?"), ("kill:rnk=1,step=3", "did you mean 'rank'?"), ("kill:rank=1", "step is missing"):
        rulezero("train", GRPO, f"out={folder}/run", f"fault={text}", ranks=2).expect(CONFIG, says).sentence()
    check(not os.path.exists(f"{folder}/run"), "a run directory was made")


if __name__ == "__main__":
    main(workers=2)
