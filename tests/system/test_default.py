"""The promises hold for the whole default job, configs/countdown.yaml: base, training, evaluations, report. What runs here is that file, shortened by
keys: its own model, rules, corpus and objective. The same bits on any ranks, threads, slots and kernels, and after kill -9 at any moment."""
import glob
import re

from common import *

DEFAULT = "configs/countdown.yaml"
STEPS, EVERY, SEED = 6, 2, 1
SHORT = [f"steps={STEPS}", f"eval.every={EVERY}", "eval.problems=8", f"checkpoint.every={EVERY}", "prompts_per_step=4", "group_size=4",
         "rollout.max_new=64"]
# A base of 12 steps earns nothing by rules: a coin gives the gradient. One of 150 small steps writes the right form often enough.
YOUNG = ["pretrain.steps=12", "pretrain.documents_per_step=16", "pretrain.optimizer.warmup_steps=4"]
TAUGHT = ["pretrain.steps=150", "pretrain.documents_per_step=12", "pretrain.optimizer.warmup_steps=10"]
JOBS = {
    "young": YOUNG + ["reward=random", "truncated=punish", "rollout.max_new=48"],
    "taught": TAUGHT,
    "kl": TAUGHT + ["kl.coef=0.02"],
    "dynamic": TAUGHT + ["dynamic_sampling=true", "group_size=3"],
    "coin": TAUGHT + ["reward=random"],
    "tiny": YOUNG + ["pretrain.steps=2", "pretrain.documents_per_step=4", "reward=random", "truncated=punish", "rollout.max_new=8",
                     "eval.problems=2"],
}

# Each is compared with the same job on one rank with one thread and the best kernels.
VARIANTS = [
    ("young", dict(ranks=1)),
    ("young", dict(ranks=2, threads=2)),
    ("young", dict(ranks=3, slots=3)),
    ("young", dict(ranks=4)),
    ("young", dict(threads=2, cpu="avx2")),
    ("taught", dict(ranks=4)),
    ("taught", dict(ranks=2, threads=2, slots=1)),
    ("taught", dict(ranks=3, cpu="avx2")),
    ("kl", dict(ranks=3, slots=5)),
    ("dynamic", dict(ranks=3)),
    ("dynamic", dict(threads=2, slots=2)),
    ("tiny", dict(ranks=2, cpu="portable")),  # the slow one
]

truths = tempfile.mkdtemp(prefix="rulezero-truth-")
made, lasted, making = {}, {}, {job: threading.Lock() for job in JOBS}


def words(job, out, threads=1, slots=64):
    return ["train", DEFAULT, f"out={out}", f"threads={threads}", f"rollout.slots={slots}"] + SHORT + JOBS[job]


def base_of(out):
    found = [name for name in os.listdir(out) if name.startswith("base-")]
    check(len(found) == 1, f"{out} holds {os.listdir(out)}, expected one base")
    return f"{out}/{found[0]}"


def lend_base(out):
    """The jobs on a taught base differ in nothing that the base depends on: it is made once, and found by the others."""
    base = base_of(truth("taught"))
    shutil.copytree(base, f"{out}/{os.path.basename(base)}")


def on_taught(job):
    return JOBS[job][:len(TAUGHT)] == TAUGHT


def truth(job):
    with making[job]:
        if job not in made:
            out = f"{truths}/{job}"
            if on_taught(job) and job != "taught":
                lend_base(out)
            result = rulezero(*words(job, out)).expect(OK)
            made[job], lasted[job] = out, result.seconds
    return made[job]


# ---- what a finished run is ----

def files(folder):
    return sorted(name for name, what in snapshot(folder).items() if what != "folder")


def whole(out):
    """Nothing half written, nothing left behind, nothing twice."""
    for name in files(out):
        check(not os.path.basename(name).startswith("."), f"{out}/{name} was left behind")
    each_step_once(out, STEPS)
    evaluated = [line["step"] for line in lines_of(f"{out}/eval.jsonl")]
    check(evaluated == list(range(0, STEPS + 1, EVERY)), f"steps in {out}/eval.jsonl: {evaluated}")
    check(all(line["logp_mismatch"] == 0 for line in metrics(out)), f"{out}: {[line['logp_mismatch'] for line in metrics(out)]}")
    with open(f"{out}/report.html", encoding="utf-8") as f:
        check(f.read().rstrip().endswith("</html>"), f"{out}/report.html has no end")


def same(a, b):
    """Two finished runs of one job: by diff, and by the bytes of all files but those that hold times, or who computed (checkpoints do)."""
    for x, y in (base_of(a), base_of(b)), (a, b):
        identical(x, y)
    odd = {name for name in set(files(a)) ^ set(files(b)) if "checkpoints/" not in name}  # older ones stay if the job is killed before it has pruned
    check(not odd, f"only in one of {a} and {b}: {odd}")
    for name in files(a):
        if name.endswith(".h5") and "checkpoints/" not in name:
            check(digest(f"{a}/{name}") == digest(f"{b}/{name}"), f"{name} differs between {a} and {b}, which diff did not see")
    whole(b)


def variant(job, ranks=0, cpu=None, **how):
    def attempt(folder):
        out = f"{folder}/run"
        expected = truth(job)
        if cpu and cpu not in kernels():
            return
        if on_taught(job):
            lend_base(out)
        result = rulezero(*words(job, out, **how), ranks=ranks, cpu=cpu).expect(OK)
        same(expected, out)
        if on_taught(job):
            check("pretrain" not in result.err, f"the base was made again\n{result}")
            unchanged(snapshot(base_of(expected)), base_of(out))
    return attempt


for job, how in VARIANTS:
    case(f"{job}: {', '.join(f'{k} {v}' for k, v in how.items())}")(variant(job, **how))


@case("the jobs can tell: there is a reward, a gradient, and a refill")
def _(folder):
    for job in JOBS:
        lines = metrics(truth(job))
        whole(truth(job))
        if job == "tiny":
            continue
        check(sum(line["grad_norm"] > 0 for line in lines) > STEPS / 2, f"{job}: grad_norm {[line['grad_norm'] for line in lines]}")
        check(any(0 < line["completions/clipped_ratio"] < 1 for line in lines), f"{job}: all completions are cut, or none")
    check(sum(line["format/mean"] > 0 for line in metrics(truth("taught"))) > STEPS / 2, "the taught base does not know the form")
    check(any(line["kl"] > 0 for line in metrics(truth("kl"))), "no divergence")
    check(any(line["groups/sampled"] > 4 for line in metrics(truth("dynamic"))), "no refill")


@case("another corpus is another base, made beside the first one")
def _(folder):
    out, first = f"{folder}/run", os.path.basename(base_of(truth("young")))
    shutil.copytree(f"{truth('young')}/{first}", f"{out}/{first}")
    before = snapshot(f"{out}/{first}")
    rulezero(*words("young", out), "corpus.wait=0.5").expect(OK, "pretrain 12/12")
    unchanged(before, f"{out}/{first}")
    second = [name for name in os.listdir(out) if name.startswith("base-") and name != first]
    check(len(second) == 1, os.listdir(out))
    rulezero("diff", f"{out}/{first}", f"{out}/{second[0]}").expect(DIFFERENT, "corpus.wait")


@case("a run that has begun with another corpus is refused before a base is made")
def _(folder):
    out = truth("young")
    before = snapshot(out)
    for ranks, flag in (0, []), (2, []), (0, ["--dry-run"]):
        said = rulezero(*words("young", out), "corpus.wait=0.5", *flag, ranks=ranks).expect(CONFIG).sentence()
        check("corpus.wait is 0.5, but this run began with " in said, said)
        unchanged(before, out)


@case("a coin for a reward: training sees the coin, evaluations go by the rules")
def _(folder):
    coin, rules = truth("coin"), truth("taught")
    # Of both jobs: what the rules make of a completion is 0.1 for the form and 1 for the right answer, which must have the form.
    by_rules = lambda line, score, accuracy, form: abs(line[score] - line[accuracy] - 0.1 * line[form]) < 1e-9
    for out in coin, rules:
        for line in lines_of(f"{out}/eval.jsonl"):
            check(by_rules(line, "score", "accuracy", "format"), f"{out}: {line}")
    check(any(line["format"] > 0 for line in lines_of(f"{coin}/eval.jsonl")), "nothing to see: no evaluated completion has the form")
    check(all(by_rules(line, "reward/mean", "accuracy/mean", "format/mean") for line in metrics(rules)), metrics(rules))
    tosses = [16 * line["reward/mean"] for line in metrics(coin)]
    check(all(t == int(t) for t in tosses) and 16 * STEPS * 0.3 < sum(tosses) < 16 * STEPS * 0.7, f"no fair coin: {tosses} of 16 each")
    # Before the first step both are the same model and sample alike.
    check(lines_of(f"{coin}/eval.jsonl")[0] == lines_of(f"{rules}/eval.jsonl")[0], "the evaluations before the first step differ")
    check(digest(f"{coin}/eval/step-000000.h5") == digest(f"{rules}/eval/step-000000.h5"), "the completions before the first step differ")


@case("./run trains it and says where the report is")
def _(folder):
    """A copy of the script whose build folder is this build: nothing is left to install or to compile."""
    root, out = f"{folder}/root", f"{folder}/run"
    os.makedirs(f"{root}/.ci")
    for name in "run", ".ci/setup.sh", ".ci/models.sh":
        shutil.copy(name, f"{root}/{name}")
    for name, what in ("configs", "configs"), ("data", "data"), ("build", os.path.dirname(BINARY)):
        os.symlink(os.path.abspath(what), f"{root}/{name}")
    result = finish(subprocess.Popen([f"{root}/run"] + words("young", out)[1:], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)).expect(OK, f"{out}/report.html")
    check("building" not in result.err and "installing" not in result.err, result)
    same(truth("young"), out)


# ---- kill -9 ----

def state(out):
    """Where a job stands, from what is on the disk."""
    told = []
    for folder in sorted(glob.glob(f"{out}/base-*")) + [out]:
        steps = [int(re.search(r"step-(\d+)", name).group(1)) for name in glob.glob(f"{folder}/checkpoints/step-*.h5")]
        told.append(f"{'base' if folder != out else 'run'}: step {count_lines(folder + '/metrics.jsonl')}, checkpoint {max(steps, default='none')}"
                    f"{', model' if os.path.exists(folder + '/model.h5') else ''}")
    told.append(f"evaluations {count_lines(out + '/eval.jsonl')}")
    told += ["report"] if os.path.exists(f"{out}/report.html") else []
    return ", ".join(told + half_written(out))


def half_written(out):
    return [name for name in glob.glob("**/.*", root_dir=out, recursive=True, include_hidden=True)]


def wait_until(moment, process):
    while time.monotonic() < moment and process.poll() is None:
        time.sleep(0.001)
    return process.poll() is None


def wait_for_writing(out, process):
    """Into the middle of a write, if there is one within a second."""
    end = time.monotonic() + 1
    while not half_written(out) and time.monotonic() < end and process.poll() is None:
        pass


VICTIMS = ["everything at once", "mpirun alone", "one rank"]


def kill(process, victim, draw):
    """mpirun alone: the ranks find out later and go on until then. One rank: mpirun ends the others."""
    everybody = session_of(process)
    ranks = [pid for pid in everybody if pid != process.pid]
    chosen = {"everything at once": everybody, "mpirun alone": [process.pid], "one rank": draw.sample(ranks, 1) if ranks else everybody}[victim]
    for pid in chosen:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def killed(arguments, out, ranks, moment, victim, draw, writing):
    """Starts the job and kills it `moment` seconds behind its first sign of life; returns what happened, or None if it was too late."""
    locks = lambda: [os.stat(name).st_mtime for name in glob.glob(f"{out}/**/lock", recursive=True)]
    before, process = locks(), start(arguments, ranks=ranks, session=True)
    try:
        if wait_for(lambda: locks() != before, process) and wait_until(time.monotonic() + moment, process) and writing:
            wait_for_writing(out, process)
        if process.poll() is not None:
            return None
        kill(process, victim, draw)
        told = state(out) if os.path.isdir(out) else "nothing there"
        finish(process)
        return f"{victim} of {ranks} ranks after {moment:.2f} s ({told})"
    finally:
        if process.poll() is None:
            kill(process, "everything at once", draw)
            finish(process)


def readable(out):
    """What a killed job left is whole wherever it has its name."""
    for name in files(out):
        if name.endswith(".h5") and not os.path.basename(name).startswith("."):
            rulezero("inspect", f"{out}/{name}").expect(OK)
    if os.path.exists(f"{out}/metrics.jsonl"):
        rulezero("report", out, "-o", f"{out}.html").expect(OK)


TRIALS = 50 if LONG else 4


def kill_and_resume(trial):
    job = ["young", "young", "dynamic", "kl"][trial % 4] if LONG else "young"

    def attempt(folder):
        draw, story = random.Random(1000 * SEED + trial), []
        expected = truth(job)
        numbers = draw.sample([0, 1, 2, 3, 4], 3)
        moment = lasted[job] * (trial + draw.random()) / TRIALS  # spread over the whole job
        victims = [VICTIMS[trial % 3], draw.choice(VICTIMS)]
        again, writing = draw.random() < 0.5, draw.random() < 0.5
        try:
            for tries in range(20):  # until the moment is not too late
                out = f"{folder}/run-{tries}"
                if on_taught(job):
                    lend_base(out)
                arguments = words(job, out)
                told = killed(arguments, out, numbers[0], moment, victims[0], draw, writing)
                if told:
                    break
                moment *= 0.8
            story.append(told)
            if victims[0] == "everything at once" and os.path.isdir(out):
                readable(out)
            if again:
                second = killed(arguments, out, numbers[1], draw.uniform(0, 0.5) * lasted[job], victims[1], draw, writing)
                story.append(second or "the second kill came too late")
            result = rulezero(*arguments, ranks=numbers[2]).expect(OK)
            story.append(f"finished on {numbers[2]} ranks{', from a checkpoint' if 'resuming from' in result.err else ''}")
            same(expected, out)
        finally:
            say(f"                 trial {trial}, {job}: {'; '.join(map(str, story))}")
    return attempt


# ---- kill -9 between any two changes of files ----

DIE = os.path.abspath(os.environ.get("RULEZERO_DIE", f"{os.path.dirname(BINARY)}/tests/system/die.so"))


def dies(arguments, log, at=0):
    """Runs the job with die.c; at: before which of its calls it is killed, from 1. Returns the calls it came to make."""
    environment = dict(os.environ, LD_PRELOAD=DIE, RZ_DIE_LOG=log, RZ_DIE_AT=str(at))
    process = subprocess.Popen(command(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment)
    finish(process).expect(-signal.SIGKILL if at else OK)
    with open(log, encoding="utf-8") as f:
        return f.read().splitlines()


all_calls, counting = [], threading.Lock()


def calls_of_the_job():
    with counting:
        if not all_calls:
            all_calls.extend(dies(words("young", f"{truths}/counted"), f"{truths}/calls"))
            same(truth("young"), f"{truths}/counted")
    return all_calls


def die_and_resume(part, parts):
    def attempt(folder):
        draw, expected, calls = random.Random(2000 * SEED + part), truth("young"), calls_of_the_job()
        first, behind = (len(calls) * p // parts for p in (part, part + 1))
        for at in range(first, behind) if LONG else [draw.randrange(first, behind)]:
            out = f"{folder}/run-{at}"
            told = f"killed before change {at + 1} of {len(calls)}: {calls[at].replace(truths, '')}"
            try:
                dies(words("young", out), f"{folder}/calls-{at}", at + 1)
                if os.path.isdir(out):
                    readable(out)
                rulezero(*words("young", out)).expect(OK)
                same(expected, out)
            except AssertionError as e:
                raise AssertionError(f"{told}\n{e}") from e
            say(f"                 {told}")
            shutil.rmtree(out)
    return attempt


DEATHS = 8 if LONG else 4
for part in range(DEATHS):
    case(f"killed between two changes of files, part {part + 1} of {DEATHS} (seed {SEED})")(die_and_resume(part, DEATHS))


for trial in range(TRIALS):
    case(f"kill -9 at any moment, trial {trial} (seed {SEED})")(kill_and_resume(trial))


if __name__ == "__main__":
    try:
        main(workers=2)
    finally:
        shutil.rmtree(truths, ignore_errors=True)
