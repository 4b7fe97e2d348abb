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
            rulezero(*job, f"out={out}", ranks=then).expect(OK)
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
    early = rulezero(*JOB, f"out={folder}/early", "fault=nan:what=weights,step=1").expect(DIVERGED, "no checkpoint from before")
    check(len(lines_by_us(early)) == 1, early)
    rulezero(*JOB, f"out={out}").expect(OK)  # nothing that was wrong is left


@case("nan: a base in the making goes back too")
def _(folder):
    job = ["pretrain", BASE, "pretrain.steps=6", "checkpoint.every=2", "fault=nan:what=gradient,step=3,times=3,stage=pretrain"]
    rulezero(*job, f"out={folder}/one").expect(OK, "gone back to step 2")
    each_step_once(f"{folder}/one", 6)
    rulezero(*job, f"out={folder}/three", ranks=3).expect(OK)
    identical(f"{folder}/one", f"{folder}/three")


# ---- what is no fault ----

@case("texts that are no faults are refused before anything is written")
def _(folder):
    for text, says in ("kil:rank=1,step=3", "did you mean 'kill'?"), ("kill:rnk=1,step=3", "did you mean 'rank'?"), ("kill:rank=1", "step is missing"):
        rulezero("train", GRPO, f"out={folder}/run", f"fault={text}", ranks=2).expect(CONFIG, says).sentence()
    check(not os.path.exists(f"{folder}/run"), "a run directory was made")


if __name__ == "__main__":
    main(workers=2)
