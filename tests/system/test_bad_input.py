"""What is wrong in what a user gives ends in one clear sentence and the right status, on one rank and on four, and overwrites nothing."""
import gzip
import zlib

from common import *

RULES = "configs/rules/countdown.yaml"
ROUNDS = (0, 4)  # ranks; 0: without mpirun


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb" if isinstance(content, bytes) else "w") as f:
        f.write(content)
    return path


def read(path, binary=False):
    with open(path, "rb" if binary else "r") as f:
        return f.read()


def bad(name, status, *words, cpu=None, verb="train"):
    """Registers a case: the decorated function prepares a folder and returns the arguments behind `rulezero train`. Without an out= among them a run
    directory is given that must not come to be; nothing below the folder may change."""
    def add(prepare):
        def attempt(folder):
            arguments = prepare(folder)
            before = snapshot(folder)
            for ranks in ROUNDS:
                result = rulezero(verb, f"out={folder}/no-run", *arguments, ranks=ranks, cpu=cpu)
                sentence = result.expect(status).sentence()
                for word in words:
                    check(word in sentence, f"nothing said of '{word}'\n{result}")
                check(not result.out, f"words on stdout\n{result}")
                unchanged(before, folder)
        case(name)(attempt)
        return prepare
    return add


def simple(name, status, words, *arguments, **more):
    bad(name, status, *words, **more)(lambda folder: list(arguments))


# ---- the command line and the config ----

simple("unknown key", CONFIG, ["'stepz'", "did you mean 'steps'"], GRPO, "stepz=3")
simple("unknown key in a group", CONFIG, ["'rollout.max_len'", "unknown key"], GRPO, "rollout.max_len=3")
simple("a key by its last word", CONFIG, ["'max_new'", "'rollout.max_new'"], GRPO, "max_new=3")
simple("negative group size", CONFIG, ["group_size is -3", "2..4096"], GRPO, "group_size=-3")
simple("group of one", CONFIG, ["group_size is 1", "2..4096"], GRPO, "group_size=1")
simple("group size that is no number", CONFIG, ["group_size", "'many'", "a whole number"], GRPO, "group_size=many")
simple("three gradient shards", CONFIG, ["gradient_shards is 3", "power of two"], GRPO, "gradient_shards=3")
simple("more minibatches than prompts", CONFIG, ["minibatches is 8", "prompts_per_step (7)"], GRPO, "minibatches=8")
simple("no model and no pretraining", CONFIG, ["model is empty", "pretrain.steps"], GRPO, "model=")
simple("a model and pretraining", CONFIG, ["pretrain.steps is 2", "give one of them"], GRPO, "pretrain.steps=2")
simple("unknown algorithm", CONFIG, ["algorithm is 'ppo'", "dr_grpo"], GRPO, "algorithm=ppo")
simple("end token outside the vocabulary", CONFIG, ["eos_token is '<end>'"], GRPO, "eos_token=<end>")
simple("an attention that does not divide", CONFIG, ["num_attention_heads is 2", "num_key_value_heads (3)"], BASE, "arch.num_key_value_heads=3", verb="pretrain")
simple("missing config", IO, ["no-such.yaml", "No such file"], "configs/no-such.yaml")
simple("missing rule file", IO, ["no-such-rules.yaml", "there is no such rule file"], GRPO, "rules=no-such-rules.yaml")
simple("missing model", IO, ["no-such.h5", "No such file"], GRPO, "model=no-such.h5")
simple("missing data", IO, ["no-such.jsonl", "neither a task"], GRPO, "data=no-such.jsonl")
simple("misspelt task", IO, ["countdwon", "did you mean countdown"], GRPO, "data=countdwon")
simple("missing tokenizer", IO, ["no-such.json", "No such file"], BASE, "tokenizer=no-such.json", verb="pretrain")
simple("unknown kernels", USAGE, ["RULEZERO_CPU", "'foo'", "portable"], GRPO, cpu="foo")
simple("unknown flag", USAGE, ["'--frsh'", "did you mean '--fresh'"], GRPO, "--frsh")
simple("unknown flag that is nearly a key", USAGE, ["'--stepz'", "did you mean '--steps'"], GRPO, "--stepz", "3")
simple("flag without value", USAGE, ["--threads needs a value"], GRPO, "--threads")
simple("no config", USAGE, ["CONFIG is missing"])
simple("two configs", USAGE, ["one argument too many"], GRPO, BASE)


@case("unknown command")
def _(folder):
    for ranks in ROUNDS:
        sentence = rulezero("trian", ranks=ranks).expect(USAGE).sentence()
        check("'trian'" in sentence and "did you mean 'train'" in sentence, sentence)
        sentence = rulezero("no-such-thing", ranks=ranks).expect(USAGE).sentence()
        check("rulezero --help" in sentence, sentence)


def config_with(name, status, words, old, new):
    def prepare(folder):
        text = read(GRPO)
        check(text.count(old) == 1, f"'{old}' is not once in {GRPO}")
        return [write(f"{folder}/bad.yaml", text.replace(old, new))]
    bad(name, status, *words)(prepare)


def line_of(text, word):
    return next(i for i, line in enumerate(text.splitlines(), 1) if word in line)


GROUP_LINE = line_of(read(GRPO), "group_size: 4")
config_with("config: unknown key", CONFIG, [f"bad.yaml:{GROUP_LINE}:", "'groupsize'", "did you mean 'group_size'"], "group_size: 4", "groupsize: 4")
config_with("config: negative group size", CONFIG, [f"bad.yaml:{GROUP_LINE}:", "group_size is -1"], "group_size: 4", "group_size: -1")
config_with("config: duplicate key", CONFIG, [f"bad.yaml:{GROUP_LINE + 1}:", "group_size"], "group_size: 4", "group_size: 4\ngroup_size: 5")
config_with("config: no YAML", CONFIG, ["bad.yaml:"], "group_size: 4", "group_size: [4\nx")
config_with("config: tab", CONFIG, [f"bad.yaml:{GROUP_LINE}:"], "group_size: 4", "\tgroup_size: 4")
config_with("config: a group where a value belongs", CONFIG, [f"bad.yaml:{GROUP_LINE}:", "group_size is a map"], "group_size: 4", "group_size: {a: 4}")


@bad("config: binary", CONFIG, "bad.yaml")
def _(folder):
    return [write(f"{folder}/bad.yaml", bytes(range(256)) * 20)]


@bad("config: a folder", IO, "bad.yaml")
def _(folder):
    os.mkdir(f"{folder}/bad.yaml")
    return [f"{folder}/bad.yaml"]


# ---- rule files ----

def rules_with(name, words, content):
    bad(name, CONFIG, "bad-rules.yaml:", *words)(lambda folder: [GRPO, "rules=" + write(f"{folder}/bad-rules.yaml", content)])


rules_with("rules: bad pattern", [":4:", "'shape'"], "version: 1\nrules:\n  shape:\n    match: '(unclosed'\naccuracy: shape\n")
rules_with("rules: unknown rule in requires", ["bad-rules.yaml:", "'fromat'", "did you mean format"], read(RULES).replace("requires: [format]", "requires: [fromat]"))
rules_with("rules: unknown kind", ["kinds are"], "version: 1\nrules:\n  shape:\n    weight: 1\n")
rules_with("rules: unknown key", ["wieght", "weight"], read(RULES).replace("weight: 0.1", "wieght: 0.1"))
rules_with("rules: no version", ["version is missing"], read(RULES).replace("version: 1", ""))
rules_with("rules: no YAML", [], "version: 1\nrules: {a: [\n")
rules_with("rules: empty", ["version is missing"], "")


# ---- data ----

def data_with(name, words, line, status=DATA):
    """The bad line is the third of six."""
    good = '{"task": "countdown", "meta": {"numbers": [3, 4], "target": 7}}\n'
    if isinstance(line, str):
        line = line.encode()
    bad(name, status, "bad.jsonl:3:", *words)(lambda folder: [GRPO, "data=" + write(f"{folder}/bad.jsonl", good.encode() * 2 + line + b"\n" + good.encode() * 3)])


data_with("data: unsolvable problem", ["[3,4]", "cannot reach target 39"], '{"task": "countdown", "meta": {"numbers": [3, 4], "target": 39}}')
data_with("data: truncated line", ["not valid JSON"], '{"task": "countdown", "meta": {"numbers": [3, 4], "tar')
data_with("data: invalid UTF-8", ["not valid UTF-8"], b'{"prompt": "numbers \xff\xfe"}')
data_with("data: NUL", ["NUL"], b'{"prompt": "numbers \x00"}')
data_with("data: duplicate key", ["duplicate"], '{"prompt": "numbers 3 4 target 7 ?", "prompt": "?"}')
data_with("data: no prompt", ["prompt"], '{"answer": "7"}')
data_with("data: misspelt prompt", ["did you mean prompt"], '{"promt": "numbers 3 4 target 7 ?"}')
data_with("data: an array", ["object"], '[1, 2]')
data_with("data: word outside the vocabulary", ['prompt "numbers 3 4 target elephant ?"', 'the word "elephant" is not in the vocabulary'], '{"prompt": "numbers 3 4 target elephant ?"}')
data_with("data: prompt too long", ['prompt "3 3 3', "has 300 tokens, must have 1..255"], json.dumps({"prompt": "3 " * 300}))
data_with("data: empty prompt", ['prompt ""', "has 0 tokens"], '{"prompt": ""}')
data_with("data: no meta for a rule that needs it", ["countdown.yaml", "rule 'correct'", "no 'numbers'", "gold_error: skip"], '{"prompt": "numbers 3 4 target 7 ?"}')
data_with("data: a meta that the rule cannot use", ["rule 'correct'", "entry 2 of the sample's 'numbers'"],
          '{"prompt": "numbers 3 4 target 7 ?", "meta": {"numbers": [3, "4"], "target": 7}}')
data_with("data: a cluster that is no number", ["cluster must be a whole number"], '{"prompt": "numbers 3 4 target 7 ?", "cluster": -1}')


@bad("data: no answer for a rule that compares", DATA, "bad.jsonl:2: with configs/rules/example-numeric.yaml", "rule 'correct'", "no answer")
def _(folder):
    lines = '{"prompt": "numbers 3 4 target 7 ?", "answer": 7}\n{"prompt": "numbers 3 4 target 7 ?"}\n'
    return [GRPO, "rules=configs/rules/example-numeric.yaml", "data=" + write(f"{folder}/bad.jsonl", lines)]


@bad("data: held-out problems without what the rule needs", DATA, "bad.jsonl:1:", "rule 'correct'", "no 'numbers'")
def _(folder):
    return [GRPO, "eval.data=" + write(f"{folder}/bad.jsonl", '{"prompt": "numbers 3 4 target 7 ?"}\n')]


@bad("rules: a key of meta that the task's problems lack", DATA, "the task countdown", "rule 'correct'", "no 'goal'")
def _(folder):
    return [GRPO, "rules=" + write(f"{folder}/rules.yaml", read(RULES).replace("target: target", "target: goal"))]


@bad("data: gzip, cut short", DATA, "bad.jsonl.gz: its gzip data is damaged: it is cut short")
def _(folder):
    packed = gzip.compress(b'{"prompt": "numbers 3 4 target 7 ?", "meta": {"numbers": [3, 4], "target": 7}}\n' * 1000)
    return [GRPO, "data=" + write(f"{folder}/bad.jsonl.gz", packed[:len(packed) // 2])]


@bad("data: gzip, a byte flipped", DATA, "bad.jsonl.gz", "damaged")
def _(folder):
    packed = gzip.compress(b'{"prompt": "numbers 3 4 target 7 ?", "meta": {"numbers": [3, 4], "target": 7}}\n' * 1000)
    return [GRPO, "data=" + write(f"{folder}/bad.jsonl.gz", flipped(packed, len(packed) - 6))]


@bad("data: 24 megabytes of blanks in 24 kilobytes of gzip", DATA, "bad.jsonl.gz:1: the line is longer than")
def _(folder):
    pack, megabyte = zlib.compressobj(9, wbits=31), b" " * (1 << 20)
    return [GRPO, "data=" + write(f"{folder}/bad.jsonl.gz", b"".join(pack.compress(megabyte) for _ in range(24)) + pack.flush())]


@bad("data: zstd, cut short", DATA, "bad.zst: its zstd data is damaged")
def _(folder):
    return [GRPO, "data=" + write(f"{folder}/bad.zst", bytes.fromhex("28b52ffd0458") + b"{}")]


@bad("data: empty file", DATA, "bad.jsonl", "no lines")
def _(folder):
    return [GRPO, "data=" + write(f"{folder}/bad.jsonl", "")]


@bad("data: a checkpoint", DATA, "quick-base.h5", "not a data set")
def _(folder):
    return [GRPO, f"data={MODEL}"]


@bad("data: held-out problems with a word outside the vocabulary", DATA, 'bad.jsonl:1: the prompt "numbers 3 4 target elephant ?"')
def _(folder):
    return [GRPO, "eval.data=" + write(f"{folder}/bad.jsonl", '{"prompt": "numbers 3 4 target elephant ?"}\n')]


@bad("corpus: text without text", DATA, "bad.jsonl:2:", "text", verb="pretrain")
def _(folder):
    return [BASE, "pretrain.data=" + write(f"{folder}/bad.jsonl", '{"text": "numbers 3 4 target 7 ?"}\n{"txt": "x"}\n')]


@case("corpus: word outside the vocabulary")
def _(folder):
    # Documents are looked at when their turn comes, so the run directory is there already. What the run has, it keeps.
    data = write(f"{folder}/bad.jsonl", '{"text": "elephant"}\n')
    for ranks in ROUNDS:
        sentence = rulezero("pretrain", BASE, f"pretrain.data={data}", f"out={folder}/run{ranks}", ranks=ranks).expect(DATA).sentence()
        check('"elephant"' in sentence, sentence)


# ---- models ----

def model_with(name, words, make):
    bad(name, DATA, "model.h5", *words)(lambda folder: [GRPO, "model=" + write(f"{folder}/model.h5", make(read(MODEL, binary=True)))])


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


model_with("model: cut in half", ["is cut", "seal is missing"], lambda m: m[:len(m) // 2])
model_with("model: last byte missing", ["is cut"], lambda m: m[:-1])
model_with("model: one byte flipped", ["damaged"], lambda m: flipped(m, len(m) // 3))
model_with("model: a byte of the seal flipped", ["damaged"], lambda m: flipped(m, len(m) - 1))
model_with("model: a byte more", [], lambda m: m + b"\0")
model_with("model: random bytes", ["not a rulezero file"], lambda m: random.Random(5).randbytes(9000))
model_with("model: a text", ["not a rulezero file"], lambda m: b"once upon a time\n")
model_with("model: JSON", ["is JSON, no model"], lambda m: b"{}\n")
model_with("model: empty", ["not a rulezero file"], lambda m: b"")


@bad("model: a folder", DATA, "is a folder without config.json")
def _(folder):
    return [GRPO, f"model={folder}"]


@case("any flipped byte of a model is seen")
def _(folder):
    whole = read(MODEL, binary=True)
    draw = random.Random(7)
    places = [0, 8, 40, len(whole) - 1, len(whole) - 17, len(whole) - 25] + [draw.randrange(len(whole)) for _ in range(5000 if LONG else 60)]
    for at in places:
        path = write(f"{folder}/model.h5", flipped(whole, at))
        rulezero("inspect", path).expect(DATA).sentence()


# ---- the output folder ----

@bad("out: below a regular file", CREATE, "LICENSE", "cannot create folder")
def _(folder):
    return [GRPO, "out=LICENSE/run"]


@bad("out: a regular file", CREATE, "cannot create folder")
def _(folder):
    return [GRPO, "out=" + write(f"{folder}/file", "text")]


@bad("out: --fresh on a folder that is not empty", CREATE, "--fresh", "not empty")
def _(folder):
    write(f"{folder}/run/notes.txt", "mine")
    return [GRPO, f"out={folder}/run", "--fresh"]


@case("out: a read-only file system")
@mounted("size=1m")
def _(folder, disk):
    os.mkdir(f"{disk}/run")
    remount(disk, "ro")
    for ranks in ROUNDS:
        for out in "run", "other":
            result = rulezero("train", GRPO, f"out={disk}/{out}", ranks=ranks).expect(CREATE)
            check("Read-only file system" in result.sentence(), result)


# ---- run directories. The template is what a job killed behind step 4 of 6 leaves. ----

templates = {}
template_lock = threading.Lock()
template_folder = tempfile.mkdtemp(prefix="rulezero-template-")
LONGER = [GRPO, "steps=6", "checkpoint.every=2", "checkpoint.keep=2"]


def template():
    with template_lock:
        if not templates:
            whole, stopped = f"{template_folder}/whole", f"{template_folder}/stopped"
            rulezero("train", *LONGER, f"out={whole}", "checkpoint.keep=9").expect(OK)
            shutil.copytree(whole, stopped)
            for name in "checkpoints/step-000006.h5", "rollouts/step-000006.h5", "model.h5":
                os.unlink(f"{stopped}/{name}")
            templates.update(whole=whole, stopped=stopped)
    return templates


def stopped_run(folder, *checkpoints):
    """A copy of the template with only these of its checkpoints."""
    run = f"{folder}/run"
    shutil.copytree(template()["stopped"], run)
    for name in os.listdir(f"{run}/checkpoints"):
        if name not in checkpoints:
            os.unlink(f"{run}/checkpoints/{name}")
    return run


TWO, FOUR = "step-000002.h5", "step-000004.h5"


def damage(path, how):
    data = read(path, binary=True)
    write(path, how(data))


def resume_with(name, status, words, keys=(), prepare=lambda folder, run: None, checkpoints=(TWO, FOUR), base=LONGER):
    def attempt(folder):
        run = stopped_run(folder, *checkpoints)
        more = prepare(folder, run) or []
        return [*base, f"out={run}", *keys, *more]
    bad(name, status, *words)(attempt)


resume_with("resume: the only checkpoint is cut", DATA, ["no checkpoint in", "is cut", "another out="], checkpoints=[FOUR],
            prepare=lambda folder, run: damage(f"{run}/checkpoints/{FOUR}", lambda d: d[:len(d) // 2]))
resume_with("resume: both checkpoints are damaged", DATA, ["no checkpoint in", "another out="],
            prepare=lambda folder, run: [damage(f"{run}/checkpoints/{n}", lambda d: flipped(d, 5000)) for n in (TWO, FOUR)] and None)
resume_with("resume: another seed", CONFIG, ["seed is 2", "began with 1"], ["seed=2"])
resume_with("resume: another learning rate", CONFIG, ["learning_rate is 0.01", "began with 0.001"], ["optimizer.learning_rate=0.01"])
resume_with("resume: --fresh", CREATE, ["--fresh", "not empty"], ["--fresh"])
resume_with("resume: another rule file", CONFIG, ["the rules (the text of the file) changed", "allow_changed_rules=true"],
            prepare=lambda folder, run: ["rules=" + write(f"{folder}/rules.yaml", read(RULES).replace("weight: 0.1", "weight: 0.2"))])


@case("resume: another rule file, allowed: the run goes on and says so")
def _(folder):
    run = stopped_run(folder, FOUR)
    rules = write(f"{folder}/rules.yaml", read(RULES).replace("weight: 0.1", "weight: 0.2"))
    for steps in 4, 6:
        result = rulezero("train", *LONGER, f"out={run}", f"rules={rules}", "allow_changed_rules=true").expect(OK)
        check(("the rules are not those this run began with" in result.err) == (steps == 4), result)
    check(count_lines(f"{run}/metrics.jsonl") == 6, "not a line a step")


resume_with("resume: other problems", CONFIG, ["the data (data, eval.data, examples)", "changed since this run began"],
            prepare=lambda folder, run: ["data=" + write(f"{folder}/d.jsonl", '{"task": "countdown", "meta": {"numbers": [3, 4], "target": 7}}\n')])
resume_with("resume: a folder where a checkpoint belongs", DATA, ["no checkpoint in"], checkpoints=[],
            prepare=lambda folder, run: os.mkdir(f"{run}/checkpoints/{FOUR}"))
resume_with("resume: rollouts where a checkpoint belongs", DATA, [FOUR], checkpoints=[],
            prepare=lambda folder, run: shutil.copy(f"{run}/rollouts/{FOUR}", f"{run}/checkpoints/{FOUR}") and None)
resume_with("resume: a model where a checkpoint belongs", DATA, [FOUR, "model"], checkpoints=[],
            prepare=lambda folder, run: shutil.copy(MODEL, f"{run}/checkpoints/{FOUR}") and None)
resume_with("resume: log cut shorter than the checkpoint says", DATA, ["metrics.jsonl", "its end is lost"],
            prepare=lambda folder, run: damage(f"{run}/metrics.jsonl", lambda d: d[:100]))


def other_base(folder, run):
    rulezero("pretrain", BASE, f"out={folder}/base").expect(OK)
    return [f"model={folder}/base/model.h5"]


resume_with("resume: a model of another architecture", CONFIG, ["base (model) changed"], prepare=other_base)


def foreign_checkpoint(folder, run):
    """A checkpoint of a run from a base of another architecture, its config otherwise the same."""
    rulezero("pretrain", BASE, f"out={folder}/base").expect(OK)
    rulezero("train", *LONGER, f"model={folder}/base/model.h5", f"out={folder}/other").expect(OK)
    shutil.copy(f"{folder}/other/checkpoints/{FOUR}", f"{run}/checkpoints/{FOUR}")


resume_with("resume: a checkpoint of another architecture", CONFIG, [FOUR, "base (model) changed"], checkpoints=[], prepare=foreign_checkpoint)


@case("resume: the newest checkpoint is cut, an older one is whole: goes on from that and says so")
def _(folder):
    for ranks in ROUNDS:
        run = stopped_run(f"{folder}/{ranks}", TWO, FOUR)
        damage(f"{run}/checkpoints/{FOUR}", lambda d: d[:len(d) // 2])
        rulezero("train", *LONGER, f"out={run}", ranks=ranks).expect(OK, "1 newer checkpoint", FOUR, "is cut", f"resuming from {run}/checkpoints/{TWO}")
        identical(template()["whole"], run)
        each_step_once(run, 6)


@case("resume: keys that change no bit may change")
def _(folder):
    run = stopped_run(folder, TWO)  # rollouts/step-000004.h5 was written, its checkpoint was not: those steps come again
    rulezero("train", *LONGER, f"out={run}", "threads=2", "rollout.slots=5", "checkpoint.keep=1", "time_limit=600", "checkpoint.every=3", ranks=2).expect(OK)
    identical(template()["whole"], run)


@case("out: a folder of other things is added to, not changed")
def _(folder):
    write(f"{folder}/run/notes.txt", "mine")
    write(f"{folder}/run/data/set.jsonl", "{}")
    before = snapshot(f"{folder}/run")
    rulezero("train", GRPO, f"out={folder}/run").expect(OK)
    after = snapshot(f"{folder}/run")
    check(all(after.get(k) == v for k, v in before.items()), "files that were there have changed")


@case("a run that diverges ends with 87, and what it has saved is finite")
def _(folder):
    keys = ["pretrain.steps=60", "checkpoint.every=1", "pretrain.optimizer.learning_rate=10", "pretrain.optimizer.max_grad_norm=0",
            "pretrain.optimizer.weight_decay=10", f"out={folder}/run"]
    for ranks in ROUNDS:  # the second one goes on from where the first one was, and diverges again
        result = rulezero("pretrain", BASE, *keys, ranks=ranks).expect(DIVERGED, "is not finite", "learning_rate", "another out=")
        check(sum(line.startswith("rulezero: ") for line in result.err.splitlines()) == 1, result)
    newest = sorted(os.listdir(f"{folder}/run/checkpoints"))[-1]
    rulezero("train", GRPO, f"model={folder}/run/checkpoints/{newest}", f"out={folder}/no-run", "--dry-run").expect(OK)


# ---- full disks ----

def full_disk(verb, config, *more):
    """Runs until the disk is full (status 74), makes room, and demands the bits of a run that never met a full disk."""
    @mounted("size=64m")
    def attempt(folder, disk):
        arguments, keys = [verb, config], [*more, "checkpoint.every=1", "checkpoint.keep=2"]
        truth, run = f"{folder}/truth", f"{disk}/run"
        rulezero(*arguments, f"out={truth}", *keys).expect(OK)
        largest = max(os.path.getsize(f"{truth}/checkpoints/{n}") for n in os.listdir(f"{truth}/checkpoints"))
        # Room for two checkpoints and a half: the third is refused.
        remount(disk, f"size={int(2.5 * largest) // 4096 * 4096}")
        for ranks in ROUNDS:
            result = rulezero(*arguments, f"out={run}", *keys, ranks=ranks).expect(IO, "No space left on device", "bytes, and ", " left; ")
            failures = [line for line in result.err.splitlines() if line.startswith("rulezero: ")]
            check(len(failures) == 1, result)
            kept = [n for n in sorted(os.listdir(f"{run}/checkpoints")) if n.startswith("step-")]
            check(kept, "no checkpoint is left")
            for name in kept:
                rulezero("inspect", f"{run}/checkpoints/{name}").expect(OK)
            check(not [n for n in os.listdir(f"{run}/checkpoints") if n.startswith(".")], "half a file was left behind")
        remount(disk, "size=64m")
        rulezero(*arguments, f"out={run}", *keys).expect(OK, "resuming from")
        identical(truth, run)
    return attempt


case("full disk while training")(full_disk("train", GRPO, "steps=6"))
case("full disk while pretraining")(full_disk("pretrain", BASE, "pretrain.steps=6"))


if __name__ == "__main__":
    try:
        main(workers=3)
    finally:
        shutil.rmtree(template_folder, ignore_errors=True)
