"""A job that was killed, stopped or ran out of time and was started again is the job that never was: the same weights, logs and rollouts, on any number
of ranks. A run directory has one job at a time, and a finished one stays as it is."""
import glob

from common import *

STEPS = 12
JOB = ["train", GRPO, f"steps={STEPS}", "prompts_per_step=6", "group_size=6", "rollout.max_new=32"]
# Its base is too young to earn anything by rules: a coin gives the gradient.
WITH_BASE = JOB + ["prompts_per_step=12", "group_size=16", "reward=random", "truncated=punish", "model=", "tokenizer=data/countdown/tokenizer.json", "corpus.max_words=80", "arch.hidden_size=32", "arch.intermediate_size=88",
                   "arch.num_hidden_layers=2", "arch.num_attention_heads=2", "arch.num_key_value_heads=1", "arch.head_dim=16",
                   "arch.max_position_embeddings=96", f"pretrain.steps={STEPS}", "pretrain.documents_per_step=32", "checkpoint.every=3"]
# Slow kernels make the same bits and leave time to be killed in: the jobs that go to their end run on the fast ones.
SLOW = "portable"
SEED = 1

truth_folder = tempfile.mkdtemp(prefix="rulezero-truth-")
truths, truth_lock = {}, threading.Lock()


def truth(job):
    with truth_lock:
        key = " ".join(job)
        if key not in truths:
            out = f"{truth_folder}/{len(truths)}"
            rulezero(*job, f"out={out}").expect(OK)
            truths[key] = out
    return truths[key]


def kill_when(process, condition, delay, what=signal.SIGKILL):
    """The signal to mpirun (or the program, without) `delay` seconds behind the moment that the condition holds. The ranks die with mpirun."""
    try:
        if wait_for(condition, process):
            time.sleep(delay)
            process.send_signal(what)
        return finish(process)
    finally:
        process.kill()


def steps_done(out):
    return count_lines(f"{out}/metrics.jsonl")


def killed(job, out, ranks, draw, steps):
    """Starts the job and kills it at a random moment behind the given step; says whether it was still running."""
    delay = draw.uniform(0, 0.7)
    process = start(job, ranks=ranks, cpu=SLOW)
    result = kill_when(process, lambda: steps_done(out) >= steps, delay)
    return result.status == -signal.SIGKILL, f"{ranks} ranks, killed {delay:.2f} s behind step {steps}"


def kill_and_resume(trial):
    def attempt(folder):
        draw = random.Random(SEED * 100 + trial)
        out, story = f"{folder}/run", []
        job = JOB + [f"out={out}", f"checkpoint.every={trial % 5 + 1}"]
        numbers = draw.sample([1, 2, 3, 4], 3)
        kills = [sorted(draw.sample(range(STEPS - 3), 2)), [draw.randrange(STEPS - 3)]][trial % 2]
        for ranks, steps in zip(numbers, kills):
            was_running, words = killed(job, out, ranks, draw, steps)
            story.append(words)
            check(was_running, f"the job ended before it was killed: {story}")
        result = rulezero(*job, ranks=numbers[-1])
        say(f"                 trial {trial}: checkpoint.every={trial % 5 + 1}; {'; '.join(story)}; finished on {numbers[-1]}, "
              f"{'going on from a checkpoint' if 'resuming from' in result.err else 'from the beginning'}")
        result.expect(OK)
        each_step_once(out, STEPS)
        identical(truth(JOB), out)
    return attempt


for trial in range(50 if LONG else 5):
    case(f"kill -9 of mpirun at a random moment, trial {trial} (seed {SEED})")(kill_and_resume(trial))


@case("kill -9 of a job without mpirun")
def _(folder):
    out = f"{folder}/run"
    job = JOB + [f"out={out}", "checkpoint.every=2"]
    result = kill_when(start(job, cpu=SLOW), lambda: steps_done(out) >= 5, 0.1)
    check(result.status == -signal.SIGKILL, result)
    torn = f"{out}/checkpoints/.step-000006.h5.somewhere-1"  # as a kill in the middle of a write leaves it
    open(torn, "w").close()
    rulezero(*job, ranks=3).expect(OK, "resuming from")
    check(not os.path.exists(torn), "what a killed job left half written is still there")
    identical(truth(JOB), out)


@case("kill -9 of a job with a reference and with refills")
def _(folder):
    out = f"{folder}/run"
    job = JOB + [f"out={out}", "checkpoint.every=2", "kl.coef=0.2", "dynamic_sampling=true", "group_size=3", "epochs=2"]
    result = kill_when(start(job, ranks=2, cpu=SLOW), lambda: steps_done(out) >= 5, 0.1)
    check(result.status == -signal.SIGKILL, result)
    rulezero(*job, ranks=3).expect(OK, "resuming from")
    identical(truth([key for key in job if key != f"out={out}"]), out)
    lines = metrics(out)
    check(any(line["groups/sampled"] > 6 for line in lines) and all(line["kl"] > 0 for line in lines), "no refill, or no divergence")


@case("kill -9 of a job with a curriculum, between two decisions")
def _(folder):
    out = f"{folder}/run"
    job = JOB + [f"out={out}", "checkpoint.every=3", "task.level=1,2", "curriculum.every=2", "curriculum.up=0.06", "curriculum.down=0.01"]
    result = kill_when(start(job, ranks=2, cpu=SLOW), lambda: steps_done(out) >= 4, 0)
    check(result.status == -signal.SIGKILL, result)
    rulezero(*job, ranks=3).expect(OK, "resuming from")
    identical(truth([key for key in job if key != f"out={out}"]), out)
    check({line["task/level"] for line in metrics(out)} == {1, 2}, "the level never changed")


@case("a run that goes on before damaged checkpoints does not count them among those it keeps")
def _(folder):
    out = f"{folder}/run"
    job = JOB + [f"out={out}", "checkpoint.every=1"]
    rulezero(*job, "checkpoint.keep=8").expect(OK)
    for step in range(6, STEPS + 1):
        os.truncate(f"{out}/checkpoints/step-{step:06}.h5", 1000)
    process = start(job + ["checkpoint.keep=1"], cpu=SLOW)
    result = kill_when(process, lambda: 6 <= steps_done(out) < STEPS, 0, signal.SIGUSR1)
    result.expect(STOPPED, "step-000005.h5 (step 5 of 12)", "cannot be read and were left out")
    rulezero(*job, ranks=2).expect(OK, "resuming from")
    identical(truth(JOB), out)


def stopped_politely(what, ranks):
    def attempt(folder):
        out = f"{folder}/run"
        job = JOB + [f"out={out}", "checkpoint.every=5"]
        result = kill_when(start(job, ranks=ranks, cpu=SLOW), lambda: steps_done(out) >= 2, 0, what)
        result.expect(STOPPED, "stopped at step", "on a signal", "the same command")
        check(sum(line.startswith("rulezero: ") for line in result.err.splitlines()) == 1, result)
        done = steps_done(out)
        check(2 <= done < STEPS and os.path.exists(f"{out}/checkpoints/step-{done:06}.h5"), f"stopped behind step {done}: {os.listdir(out + '/checkpoints')}")
        rulezero(*job, ranks=2 if not ranks else 0).expect(OK, f"(step {done} of {STEPS})")
        each_step_once(out, STEPS)
        identical(truth(JOB), out)
    return attempt


case("SIGUSR1 to mpirun saves and ends with 85")(stopped_politely(signal.SIGUSR1, 3))
case("SIGTERM to one rank without mpirun saves and ends with 85")(stopped_politely(signal.SIGTERM, 0))
case("SIGINT to one rank without mpirun saves and ends with 85")(stopped_politely(signal.SIGINT, 0))
case("SIGUSR1 to one rank without mpirun saves and ends with 85")(stopped_politely(signal.SIGUSR1, 0))


@case("a signal before the first step ends with 85 and costs nothing")
def _(folder):
    out = f"{folder}/run"
    job = JOB + [f"out={out}", "eval.problems=512"]  # the evaluation before the first step gives the time
    process = start(job, cpu=SLOW)
    result = kill_when(process, lambda: os.path.exists(f"{out}/log.txt"), 0, signal.SIGTERM)
    result.expect(STOPPED, "stopped before step 1", "nothing to save yet")
    rulezero(*job, "eval.problems=8").expect(OK)  # nothing was decided yet, so this may change
    identical(truth(JOB), out)


@case("time_limit saves and ends with 85; the next start may have another one")
def _(folder):
    out = f"{folder}/run"
    job = JOB + [f"out={out}"]
    rulezero(*job, "time_limit=0.8", cpu=SLOW).expect(STOPPED, "by time_limit")
    check(0 < steps_done(out) < STEPS, f"{steps_done(out)} steps done")
    rulezero(*job, ranks=4).expect(OK, "resuming from")
    identical(truth(JOB), out)


@case("time_limit holds for the base and what is trained on it together")
def _(folder):
    out, limit = f"{folder}/run", 3
    job = WITH_BASE + [f"out={out}", "pretrain.steps=40", "prompts_per_step=2", "group_size=2", "steps=100000", "checkpoint.every=100000", "eval.problems=0", f"time_limit={limit}"]
    while rulezero(*job).expect(STOPPED, "by time_limit") and not steps_done(out):
        shutil.rmtree(out)  # a machine so busy that the base took it all
        limit *= 2
        job[-1] = f"time_limit={limit}"
    base, lines = metrics(glob.glob(f"{out}/base-*")[0])[-1]["time/elapsed_s"], metrics(out)
    before_last = lines[-2]["time/elapsed_s"] if len(lines) > 1 else 0  # when the last step began
    check(base + before_last <= limit, f"{base:.2f} s for the base and {before_last:.2f} s before the last step are over {limit} s")


@case("a finished run started again prints its result and stays as it is")
def _(folder):
    out = f"{folder}/run"
    first = rulezero(*JOB, f"out={out}").expect(OK)
    before = snapshot(out)
    for ranks in 0, 2:
        again = rulezero(*JOB, f"out={out}", ranks=ranks).expect(OK, "held-out problems right", f"run directory: {out}")
        check(again.err == first.err[-len(again.err):], f"another result than the first time\n{first}\n{again}")
        unchanged(before, out)


def second_job(arguments, lock, log):
    """An endless job, and the same command once more. Stopping the first one shows that it is unharmed."""
    def attempt(folder):
        out = f"{folder}/run"
        job = arguments + [f"out={out}", "checkpoint.every=100000"]
        find = lambda name: next((f for f in glob.glob(f"{out}/{name}")), f"{out}/not yet")
        process = start(job, ranks=2)
        try:
            check(wait_for(lambda: count_lines(find(log)) >= 1, process), "the first job ended")
            refused = rulezero(*job).expect(CREATE, f"{find(lock)} is held by process", "wait for it to end or stop it", "is in use; waiting")
            check(sum(line.startswith("rulezero: ") for line in refused.err.splitlines()) == 1, refused)
        finally:
            process.send_signal(signal.SIGUSR1)
            result = finish(process)
        result.expect(STOPPED)
        found = [line["step"] for line in lines_of(find(log))]
        check(found == list(range(1, len(found) + 1)), f"the first job's steps: {found[:20]}…")
    return attempt


case("a second job on a running directory is refused, and the first one is not disturbed")(
    second_job(["train", GRPO, "steps=100000"], "lock", "metrics.jsonl"))
case("a second job while the first one still makes its base is refused")(
    second_job(WITH_BASE + ["pretrain.steps=100000"], "base-*/lock", "base-*/metrics.jsonl"))


# ---- a job that makes its own base ----

def base_of(out):
    found = [n for n in os.listdir(out) if n.startswith("base-")]
    check(len(found) == 1, f"{len(found)} bases in {out}")
    return f"{out}/{found[0]}"


@case("a job with a pretrain section: killed while pretraining, while training, and finished")
def _(folder):
    out = f"{folder}/run"
    job = WITH_BASE + [f"out={out}"]
    draw = random.Random(SEED)
    process = start(job, ranks=3, cpu=SLOW)
    in_base = lambda: os.path.isdir(out) and any(steps_done(f"{out}/{n}") >= 4 for n in os.listdir(out) if n.startswith("base-"))
    result = kill_when(process, in_base, draw.uniform(0, 0.05))
    check(result.status == -signal.SIGKILL, result)
    check(not os.path.exists(f"{base_of(out)}/model.h5"), "the base was finished before the kill")
    was_running, words = killed(job, out, 2, draw, 4)  # behind a checkpoint: there is a step to forget
    check(was_running, f"the job ended before it was killed: {words}")
    base = snapshot(base_of(out))
    last = rulezero(*job, ranks=4).expect(OK, "resuming from")
    check("pretrain" not in last.err, f"the base was made again\n{last}")
    check(snapshot(base_of(out)) == base, "the finished base was written to")
    identical(base_of(truth(WITH_BASE)), base_of(out))
    identical(truth(WITH_BASE), out)
    each_step_once(base_of(out), STEPS)
    each_step_once(out, STEPS)


@case("a job with a pretrain section: stopped while pretraining, 85")
def _(folder):
    out = f"{folder}/run"
    job = WITH_BASE + [f"out={out}"]
    in_base = lambda: os.path.isdir(out) and any(steps_done(f"{out}/{n}") >= 2 for n in os.listdir(out) if n.startswith("base-"))
    kill_when(start(job, ranks=2, cpu=SLOW), in_base, 0, signal.SIGUSR1).expect(STOPPED, "stopped at step", f"of {STEPS} on a signal")
    rulezero(*job).expect(OK)
    identical(truth(WITH_BASE), out)


@case("a job with a pretrain section: --fresh works on a folder that is not there, and its base is a pretraining job's")
def _(folder):
    out = f"{folder}/run"
    rulezero(*WITH_BASE, f"out={out}", "--fresh").expect(OK)
    identical(truth(WITH_BASE), out)
    # The same by hand: pretrain, then train on what it made.
    rulezero("pretrain", *WITH_BASE[1:], f"out={folder}/base").expect(OK)
    rulezero("diff", f"{folder}/base/model.h5", f"{base_of(out)}/model.h5").expect(OK)
    rulezero(*WITH_BASE, f"model={folder}/base/model.h5", "pretrain.steps=0", f"out={folder}/by-hand").expect(OK)
    rulezero("diff", f"{folder}/by-hand/model.h5", f"{out}/model.h5").expect(OK)
    before = snapshot(out)
    rulezero(*WITH_BASE, f"out={out}", "--fresh").expect(CREATE, "--fresh", "not empty")
    unchanged(before, out)


if __name__ == "__main__":
    try:
        main(workers=3)
    finally:
        shutil.rmtree(truth_folder, ignore_errors=True)
