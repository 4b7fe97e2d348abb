"""The public face: help, inspect, diff, --dry-run, flags, and what a run directory holds."""
import fcntl
import pty
import re
import struct
import termios

from common import *

STEPS, PROMPTS, GROUP = 4, 7, 4
KEYS = ["checkpoint.every=2", "eval.every=2"]
METRICS = ["step", "reward/mean", "accuracy/mean", "completions/mean_length", "entropy", "grad_norm", "logp_mismatch", "time/step_s", "tokens/sampled",
           "tokens/trained"]

made_folder = tempfile.mkdtemp(prefix="rulezero-made-")
made, making = {}, threading.Lock()


def run_of(name, *keys):
    """A finished run, made once."""
    with making:
        if name not in made:
            rulezero("train", GRPO, f"out={made_folder}/{name}", *KEYS, *keys).expect(OK)
            made[name] = f"{made_folder}/{name}"
    return made[name]


def the_run():
    return run_of("run")


def inspect(path):
    result = rulezero("inspect", path, "--json").expect(OK)
    check(not result.err, result)
    found = json.loads(result.out)
    check(found["schema"] == 1, result)
    return found


def flat(text, prefix=""):
    """The keys of our own config.yaml: two levels, two spaces."""
    keys, group = {}, ""
    for line in text.splitlines():
        name, value = line.strip().split(":", 1)
        if not line.startswith(" "):
            group = ""
        if not value:
            group = group + name + "." if line.startswith(" ") else name + "."
        else:
            depth = (len(line) - len(line.lstrip())) // 2
            keys[".".join((group.split(".")[:depth] + [name]) if depth else [name])] = value.strip()
    return keys


def config_of(run):
    with open(f"{run}/config.yaml", encoding="utf-8") as f:
        return flat(f.read())


# ---- help ----

def commands():
    text = rulezero("--help").expect(OK, "usage:").out
    return re.findall(r"^  (\w+) {2,}\S", text, re.MULTILINE)


@case("--help and --version")
def _(folder):
    check(set(commands()) >= {"train", "pretrain", "inspect", "diff"}, commands())
    for spelling in "--help", "-h", "help":
        check(rulezero(spelling).expect(OK).out == rulezero("--help").out, spelling)
    check(re.fullmatch(r"rulezero \d+\.\d+\.\d+\n", rulezero("--version").expect(OK).out), "no version")
    nothing = rulezero().expect(USAGE, "usage:")
    check(not nothing.out, "help that nobody asked for belongs on stderr")
    text = rulezero("--help").out
    for status in 64, 65, 70, 73, 74, 75, 78, 85, 87:
        check(re.search(rf"\b{status}\b", text), f"status {status} is not explained\n{text}")


@case("every command has help with usage and an example")
def _(folder):
    for name in commands():
        text = rulezero(name, "--help").expect(OK, f"usage: rulezero {name}").out
        check(re.search(rf"^example: .*build/rulezero {name} ", text, re.MULTILINE), text)
        check(rulezero(name, "whatever", "-h").expect(OK).out == text, f"{name} -h")


@case("the help names every flag of the contract")
def _(folder):
    for name, flags in (("generate", "model prompt prompts template max-new temperature top-k top-p min-p stop seed json"), ("score", "rules explain"),
                        ("eval", "model data rules samples temperature max-new limit seed json"), ("train", "fresh dry-run threads"),
                        ("bench", "model shape batch prompt new seq threads dtype json"), ("data", "count seed corpus limit model")):
        text = rulezero(name, "--help").out
        check(all(re.search(rf"(--|^  ){flag}\b", text, re.MULTILINE) for flag in flags.split()), f"{name} --help lacks one of {flags}")


@case("jobs explain every config key")
def _(folder):
    keys = config_of(the_run())
    check(len(keys) > 60 and "rollout.max_new" in keys and "pretrain.optimizer.learning_rate" in keys, keys)
    for name in "train", "pretrain":
        text = rulezero(name, "--help").out
        for key in keys:
            check(re.search(rf"^  {re.escape(key)} +\S.*\(.*default ", text, re.MULTILINE), f"{name} --help does not explain {key}")


@case("the examples in the help are right")
def _(folder):
    for name in "train", "pretrain":
        example = re.search(r"^example: (.*)$", rulezero(name, "--help").out, re.MULTILINE).group(1).split()
        words = example[example.index("build/rulezero") + 1:]
        rulezero(*words, "--dry-run", f"out={folder}/no-run", ranks=2).expect(OK)


@case("under mpirun the first rank alone does what is for one")
def _(folder):
    for words in (["train", "--help"], ["--help"], ["--version"], ["inspect", "--json", the_run()], ["diff", the_run(), the_run()]):
        check(rulezero(*words, ranks=3).expect(OK).out == rulezero(*words).out, f"{words} is printed once a rank")


# ---- inspect ----

@case("inspect")
def _(folder):
    run = the_run()
    model = inspect(f"{run}/model.h5")
    check(model["parameters"] == 147136 and model["attributes"]["kind"] == "model", model["attributes"])
    sizes = [a for n, a in model["arrays"].items() if n.startswith("model/")]
    total = 0
    for a in sizes:
        n = 1
        for d in a["shape"]:
            n *= d
        total += n
    check(total == model["parameters"] and all(a["type"] == "f32" for a in sizes), "the arrays are not the parameters")
    checkpoint = inspect(f"{run}/checkpoints/step-{STEPS:06}.h5")
    check(checkpoint["attributes"]["kind"] == "train" and checkpoint["attributes"]["step"] == str(STEPS), checkpoint["attributes"])
    of_run = inspect(run)
    check({k: v for k, v in of_run.items() if k != "file"} == {k: v for k, v in checkpoint.items() if k != "file"}, "inspect RUN is not its newest checkpoint")
    text = rulezero("inspect", run).expect(OK, "147136 parameters", "model/model.embed_tokens.weight", "held-out problems right").out
    check("f32 (132, 64)" in text, text)
    for arguments, status in (["/no/such/file"], IO), ([folder], DATA), ([], USAGE), ([run, run], USAGE), ([run, "--xml"], USAGE), (["LICENSE"], DATA):
        rulezero("inspect", *arguments).expect(status).sentence()


# ---- rollouts ----

@case("rollouts hold every completion")
def _(folder):
    run = the_run()
    files = sorted(os.listdir(f"{run}/rollouts"))
    check(files == ["step-000002.h5", "step-000004.h5"], files)
    total, tokens = 0, 0
    for name in files:
        found = inspect(f"{run}/rollouts/{name}")
        shape = {n: a["shape"] for n, a in found["arrays"].items()}
        n = shape["score"][0]
        for column in "step", "slot", "sample", "n_tokens", "truncated", "correct", "format_ok", "score", "advantage", "signal":
            check(shape[column] == [n], f"{name}: {column} is {shape[column]}")
        check(shape["parts/points"] == shape["parts/state"] == [n, 2] and shape["parts/span"] == [n, 4], shape)
        for column in "tokens", "text", "explain":
            check(shape[f"{column}/offsets"] == [n + 1], shape)
        check(shape["tokens/ids"] == shape["tokens/logp"] == shape["tokens/logp_behaviour"] == shape["tokens/entropy"], shape)
        check(shape["prompts/step"] == [n // GROUP] and shape["prompts/prompt/offsets"] == [n // GROUP + 1], shape)
        total, tokens = total + n, tokens + shape["tokens/ids"][0]
    check(total == STEPS * PROMPTS * GROUP, f"{total} completions")
    check(tokens == sum(line["tokens/sampled"] for line in metrics(run)), f"{tokens} tokens")
    listing = rulezero("inspect", f"{run}/rollouts/{files[0]}").expect(OK, "rollouts", "tokens/ids", "explain/bytes").out
    check(len(listing.splitlines()) >= 25, listing)


@case("rollout.keep and checkpoint.keep bound the disk")
def _(folder):
    out = f"{folder}/run"
    rulezero("train", GRPO, f"out={out}", "checkpoint.every=1", "checkpoint.keep=1", "rollout.keep=2").expect(OK)
    check(os.listdir(f"{out}/checkpoints") == ["step-000004.h5"], os.listdir(f"{out}/checkpoints"))
    check(sorted(os.listdir(f"{out}/rollouts")) == ["step-000003.h5", "step-000004.h5"], os.listdir(f"{out}/rollouts"))


# ---- logs ----

@case("metrics.jsonl has the promised names, and logp_mismatch is exactly 0")
def _(folder):
    for run in the_run(), run_of("filters", "rollout.top_k=30", "rollout.top_p=0.9", "rollout.min_p=0.01", "rollout.temperature=1.3", "minibatches=2", "epochs=2"):
        lines = metrics(run)
        each_step_once(run, STEPS)
        for line in lines:
            check(line["schema"] == 1, line)
            for name in METRICS:
                check(isinstance(line.get(name), (int, float)), f"{name} is {line.get(name)}")
            check(line["logp_mismatch"] == 0, f"logp_mismatch is {line['logp_mismatch']}")
            check(line["entropy"] > 0 and line["grad_norm"] > 0 and line["tokens/sampled"] > 0, line)
        evaluations = lines_of(f"{run}/eval.jsonl")
        check([e["step"] for e in evaluations] == [0, 2, 4], evaluations)
        check(all(0 <= e["accuracy"] <= 1 and e["problems"] == 8 for e in evaluations), evaluations)
        for e in evaluations:
            check({"score", "format", "mean_length", "truncated", "trace/attempts", "trace/self_checks", "pass@1", "maj@1", "rewards/format/mean"} <= e.keys(), e)
            check(all(e[k + "_low"] <= v <= e[k + "_high"] for k, v in e.items() if k + "_low" in e and e[k + "_low"] is not None), e)
        files = sorted(os.listdir(f"{run}/eval"))
        check(files == ["step-000000.h5", "step-000002.h5", "step-000004.h5"], files)


@case("the times of a step add up to it, and a run's lines to its time")
def _(folder):
    parts = ["sample", "score", "wait", "forward_backward", "communication", "optimizer"]
    for verb, config, ranks in (("train", GRPO, 0), ("train", GRPO, 2), ("pretrain", BASE, 0)):
        out = f"{folder}/{verb}-{ranks}"
        rulezero(verb, config, f"out={out}", "checkpoint.every=1", *(["eval.every=1"] if verb == "train" else []), ranks=ranks).expect(OK)
        lines = metrics(out)
        total = {name: sum(line.get(f"time/{name}_s", 0) for line in lines[1:]) for name in parts + ["step", "io", "eval"]}
        summed, between = sum(total[p] for p in parts), lines[-1]["time/elapsed_s"] - lines[0]["time/elapsed_s"]
        check(0.5 * total["step"] < summed <= 1.001 * total["step"], f"{verb}: {summed} of {total}")
        check(0.5 * between < total["step"] + total["io"] + total["eval"] <= 1.001 * between, f"{verb}: {between} s between the lines, {total}")
        used = [p for p in parts + ["io"] if not (verb == "pretrain" and p in ("sample", "score", "wait")) and not (ranks == 0 and p == "wait")]
        check(all(line[f"time/{p}_s"] > 0 for line in lines[1:] for p in used), lines)
        check(verb == "pretrain" or all(line["time/eval_s"] > 0 for line in lines[:-1]), lines)


@case("people's words go to stderr, plain when that is no terminal, rewritten in place when it is")
def _(folder):
    result = rulezero("train", GRPO, f"out={folder}/plain").expect(OK, "train 4/4", "reward", "ETA", "held-out problems right", f"run directory: {folder}/plain")
    check(not result.out, result)
    check(not re.search("[\r\x1b]", result.err), repr(result.err))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(command(["train", GRPO, f"out={folder}/terminal"]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
                               env=dict(os.environ, TERM="xterm"))
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    check(process.wait(60) == OK and re.search(b"\rtrain 4/4", said), said.decode(errors="replace"))


# ---- diff ----

def copied(folder, source=None):
    shutil.copytree(source or the_run(), f"{folder}/copy")
    return f"{folder}/copy"


def edit(path, old, new):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    check(old in text, f"'{old}' is not in {path}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new, 1))


@case("diff: a run and its copy, a file and itself")
def _(folder):
    run, copy = the_run(), copied(folder)
    check(rulezero("diff", run, copy).expect(OK).out == "identical\n", "not identical to its copy")
    rulezero("diff", f"{run}/model.h5", f"{copy}/model.h5").expect(OK, "identical")
    edit(f"{copy}/metrics.jsonl", '"time/step_s":', '"time/step_s":1')
    with open(f"{copy}/log.txt", "a", encoding="utf-8") as f:
        f.write("another day\n")
    rulezero("diff", run, copy).expect(OK)


def last_line_gone(path):
    with open(path, "rb") as f:
        lines = f.readlines()
    with open(path, "wb") as f:
        f.writelines(lines[:-1])


DIFFERENCES = {
    "a number in metrics.jsonl": (lambda c: edit(f"{c}/metrics.jsonl", '"reward/mean":0.', '"reward/mean":1.'), "reward/mean"),
    "a metric that one lacks": (lambda c: edit(f"{c}/metrics.jsonl", '"entropy"', '"antropy"'), "antropy"),
    "a line of metrics.jsonl": (lambda c: last_line_gone(f"{c}/metrics.jsonl"), "A is longer"),
    "a number in eval.jsonl": (lambda c: edit(f"{c}/eval.jsonl", '"mean_length":', '"mean_length":1'), "mean_length"),
    "no eval.jsonl": (lambda c: os.unlink(f"{c}/eval.jsonl"), "eval.jsonl: only in A"),
    "no model.h5": (lambda c: os.unlink(f"{c}/model.h5"), "model.h5: only in A"),
    "another newest checkpoint": (lambda c: os.unlink(f"{c}/checkpoints/step-000004.h5"), "the newest is"),
    "rollouts of the last steps missing": (lambda c: os.unlink(f"{c}/rollouts/step-000004.h5"), "rollouts: step 3 is only in A"),
    "rollouts of another run": (lambda c: shutil.copy(f"{run_of('other', 'seed=2')}/rollouts/step-000004.h5", f"{c}/rollouts/"), "rollouts: step 3: "),
    "an evaluation's completions missing": (lambda c: os.unlink(f"{c}/eval/step-000004.h5"), "eval: step 4 is only in A"),
    "an evaluation of another run": (lambda c: shutil.copy(f"{run_of('other', 'seed=2')}/eval/step-000004.h5", f"{c}/eval/"), "eval: step 4: "),
    "a model of another run": (lambda c: shutil.copy(f"{run_of('other', 'seed=2')}/model.h5", c), "values differ"),
}


def finds(change, word):
    def attempt(folder):
        copy = copied(folder)
        change(copy)
        for a, b in (the_run(), copy), (copy, the_run()):
            result = rulezero("diff", a, b).expect(DIFFERENT)
            check(result.out.endswith("\ndifferent\n"), result)
            check(word in result.out or b == the_run(), f"nothing said of '{word}'\n{result}")
    return attempt


for name, (change, word) in DIFFERENCES.items():
    case(f"diff finds: {name}")(finds(change, word))


@case("diff finds a weight that differs in its last bits")
def _(folder):
    a, b = run_of("nudged", "optimizer.learning_rate=0.0010000001", "eval.problems=0"), run_of("not-nudged", "eval.problems=0")
    result = rulezero("diff", f"{a}/model.h5", f"{b}/model.h5").expect(DIFFERENT, "values differ")
    counts = re.findall(r"(\d+) of (\d+) values differ", result.out)
    check(all(0 < int(n) <= int(m) for n, m in counts), result)
    rulezero("diff", a, b).expect(DIFFERENT, "config: optimizer.learning_rate differs")


@case("diff passes over how steps are cut into files, and over rollouts that one has pruned")
def _(folder):
    for keys in (["checkpoint.every=1"], ["checkpoint.every=3"], ["checkpoint.every=1", "rollout.keep=2"]):
        out = f"{folder}/{len(os.listdir(folder))}"
        rulezero("train", GRPO, f"out={out}", "eval.every=2", *keys).expect(OK)
        rulezero("diff", the_run(), out).expect(OK)
        rulezero("diff", out, the_run()).expect(OK)


@case("diff: what cannot be compared is an error")
def _(folder):
    run, copy = the_run(), copied(folder)
    os.mkdir(f"{folder}/empty")
    with open(f"{copy}/model.h5", "r+b") as f:
        f.truncate(1000)
    for arguments, status in (([run], USAGE), ([run, copy, copy], USAGE), ([run, f"{run}/model.h5"], USAGE), ([run, f"{folder}/none"], IO),
                              ([f"{folder}/empty", f"{folder}/empty"], DATA), ([run, f"{folder}/empty"], DATA), ([run, copy], DATA),
                              (["LICENSE", "LICENSE"], DATA)):
        result = rulezero("diff", *arguments).expect(status)
        check("identical" not in result.out, result)
        result.sentence()


# ---- jobs ----

@case("--dry-run tells the plan and writes nothing")
def _(folder):
    for ranks in 0, 2:
        plan = rulezero("train", GRPO, f"out={folder}/run", "--dry-run", ranks=ranks).expect(OK, "147136 parameters", "memory", "MiB", "tokens", "time:", "nothing was written")
        check("but compute no gradient" not in plan.err, plan)
        check(f"ranks: {max(ranks, 1)}" in plan.err, plan)
    two = rulezero("train", GRPO, f"out={folder}/run", "--dry-run", ranks=2).expect(OK, "weights of 1.1 MiB (dtype f32) in common, and what 2 ranks have each",
                                                                                   "(recompute none)", "prompts of up to 6 tokens")
    check("lack" not in two.err and "activation_mib" not in two.err, two)
    more = rulezero("train", GRPO, f"out={folder}/run", "--dry-run", "kl.coef=0.1", "dtype=bf16", "recompute=layer").expect(
        OK, "weights of 1.4 MiB (dtype bf16, with those of the reference) a rank, and what 1 rank has each", "(recompute layer)")
    def activations(*keys):
        return float(re.search(r"activations of ([0-9.]+) MiB", rulezero("train", GRPO, f"out={folder}/run", "--dry-run", *keys).expect(OK).err)[1])
    check(activations("kl.coef=0.1") > activations(), "a reference computes in no room")
    # of 8 shards a rank of three holds 2 or 3: the first keeps two gradients (147136 parameters), and of the others' four parts its slice
    rulezero("train", GRPO, f"out={folder}/run", "--dry-run", "gradient_shards=8", "prompts_per_step=8", ranks=3).expect(OK, "gradients 1.9 MiB", "MiB until the model is read")
    # activations of tens of TiB, which no machine has (caches of more than a TiB would be refused: the sampler, which a dry run tries, reserves no more)
    large = ["model=", "pretrain.steps=1", "arch.max_position_embeddings=4000000", "rollout.max_new=3000000", "prompts_per_step=1", "group_size=256", "arch.intermediate_size=1024"]
    rulezero("train", GRPO, f"out={folder}/run", "--dry-run", "rollout.slots=32", *large).expect(
        OK, "this machine may lack", "MiB left", "a group of 256 completions of 3000000 tokens", "activation_mib is 1024")
    rulezero("train", GRPO, f"out={folder}/run", "gradient_shards=2", "--dry-run", ranks=4).expect(OK, "gradient_shards is 2: 2 of the 4 ranks sample but compute no gradient")
    rulezero("train", GRPO, f"out={folder}/run", "model=", "pretrain.steps=600", "arch.hidden_size=64", "--dry-run").expect(OK, "parameters", "600 pretraining steps")
    rulezero("pretrain", BASE, f"out={folder}/run", "--dry-run").expect(OK, "parameters")
    check(not os.listdir(folder), f"written: {os.listdir(folder)}")


@case("every shipped config is right")
def _(folder):
    found = [f"configs/{name}" for name in sorted(os.listdir("configs")) if name.endswith(".yaml")]
    check({"configs/quick.yaml", "configs/quick-base.yaml"} <= set(found), found)
    # what a user has to bring: a model of ./run's, GSM8K
    brought = {"model: smollm2": "model=" + byte_model(f"{folder}/model"), "data: data/gsm8k/": "data=tests/golden/data/gsm8k.jsonl",
               "  data: data/gsm8k/": "eval.data=tests/golden/data/gsm8k.jsonl"}
    for config in found:
        with open(config, encoding="utf-8") as f:
            text = f.read()
        verb = "train" if re.search(r"^steps:", text, re.MULTILINE) else "pretrain"
        more = [word for line, word in brought.items() if "\n" + line in text]
        rulezero(verb, config, f"out={folder}/run", "--dry-run", *more).expect(OK, "parameters")
    check(os.listdir(folder) == ["model"], f"written: {os.listdir(folder)}")


@case("flags and assignments are two spellings of the same")
def _(folder):
    spellings = [["threads=2", "group_size=6", "checkpoint.every=3"], ["--threads", "2", "--group_size", "6", "--checkpoint.every", "3"],
                 ["--threads=2", "--group-size=6", "--checkpoint.every=3"], ["--set", "threads=2", "--set", "group_size=6", "--set=checkpoint.every=3"],
                 ["group_size=9", "threads=2", "--group-size", "6", "checkpoint.every=3"]]
    configs = []
    for i, words in enumerate(spellings):
        rulezero("train", GRPO, f"out={folder}/{i}", "steps=1", "eval.problems=0", *words).expect(OK)
        configs.append({k: v for k, v in config_of(f"{folder}/{i}").items() if k != "out"})
    check(all(c == configs[0] for c in configs), configs)
    check(configs[0]["threads"] == "2" and configs[0]["group_size"] == "6" and configs[0]["checkpoint.every"] == "3", configs[0])


@case("config.yaml of a run makes the run again")
def _(folder):
    run = the_run()
    rulezero("train", f"{run}/config.yaml", f"out={folder}/again", ranks=2).expect(OK)
    identical(run, f"{folder}/again")


def score(folder, lines, *flags):
    path = f"{folder}/cases.jsonl"
    with open(path, "w") as f:
        f.writelines(line + "\n" for line in lines)
    return rulezero("score", "--rules", "configs/rules/countdown.yaml", *flags, path)


@case("score tells what each completion is worth, in order, and why")
def _(folder):
    meta = {"numbers": [3, 5], "target": 8}
    thought = "<think> 3 + 5 = 8 </think> "
    lines = [json.dumps({"completion": thought + answer, "meta": meta, **more}) for answer, more in [
        ("<answer> 3 + 5 </answer>", {}), ("<answer> 3 * 5 </answer>", {}), ("no answer", {}), ("<answer> 3 + 5 </answer>", {"truncated": True})]]
    lines.append(json.dumps({"completion": thought + "<answer> 3 + 5 </answer>", "meta": {}}))  # nothing to compare with
    told = [json.loads(line) for line in score(folder, lines, "--explain").expect(OK).out.splitlines()]
    check(all(t["schema"] == 1 for t in told))
    expected = [(1.1, True), (0.1, False), (0, False), (0, False), (0.1, False)]
    check(len(told) == len(expected) and all(abs(t["score"] - s) < 1e-12 and t["correct"] is c for t, (s, c) in zip(told, expected)), told)
    check(told[0]["parts"] == {"format": 1, "correct": 1} and told[2]["skipped"] == ["correct"] and told[4]["errors"] == ["correct"], told)
    why = {part["rule"]: part for part in told[1]["explain"]}["correct"]
    a, b = why["span"]
    check((thought + "<answer> 3 * 5 </answer>")[a:b].strip() == "3 * 5" == why["found"] and "15" in why["reason"], why)
    check("explain" not in json.loads(score(folder, lines[:1]).out), "an explanation that nobody asked for")


@case("score names the line that it cannot read")
def _(folder):
    good = json.dumps({"completion": "<think> so </think> <answer> 1 </answer>"})
    for bad, word in [("{", "not a JSON object"), ("[1]", "not a JSON object"), ('{"completion": 3}', "must be text"), ('{"answer": "3"}', "missing"),
                      ('{"completion": "", "meta": []}', "must be an object")]:
        result = score(folder, [good, bad, good]).expect(DATA, "cases.jsonl:2", word)
        check(len(result.out.splitlines()) == 1 and result.sentence(), result)
    rulezero("score", "--rules", "nowhere.yaml", "x.jsonl").expect(IO).sentence()
    rulezero("score", f"{folder}/cases.jsonl").expect(USAGE, "--rules").sentence()
    rulezero("score", "--rules", "nowhere.yaml").expect(USAGE, "FILE.jsonl").sentence()
    rulezero("score", "--rule", "nowhere.yaml", "x.jsonl").expect(USAGE, "did you mean '--rules'").sentence()


@case("score: both spellings of a flag, and the length from the ids")
def _(folder):
    with open(f"{folder}/long.yaml", "w") as f:
        f.write("version: 1\nrules:\n  length: {kind: soft_overlong, unit: tokens, max: 4, cache: 2}\n  fine: {match: '.*'}\n")
    with open(f"{folder}/a=b.jsonl", "w") as f:
        f.write('{"completion": "x", "completion_ids": [1, 2, 3]}\n{"completion": "x", "completion_ids": [1, 2, 3], "n_tokens": 2}\n{"completion": "x"}\n')
    outs = [rulezero("score", *words, f"{folder}/a=b.jsonl").expect(OK).out for words in (["--rules", f"{folder}/long.yaml"], [f"rules={folder}/long.yaml"])]
    told = [json.loads(line) for line in outs[0].splitlines()]
    check(outs[0] == outs[1] and [t["parts"].get("length") for t in told] == [-0.5, 0, None] and told[2]["errors"] == ["length"], told)


@case("a result that does not arrive is no success")
def _(folder):
    with open(f"{folder}/c.jsonl", "w") as f:
        f.write('{"completion": "so"}\n')
    rules = "configs/rules/countdown.yaml"
    for words in (["eval", "--model", MODEL, "--rules", rules, "--data", "countdown", "numbers=2", "--limit=2", "--max-new=3", "--json"],
                  ["bench", "rules", "--batch", "4", "--seconds", "0", "--json"], ["inspect", MODEL], ["score", "--rules", rules, f"{folder}/c.jsonl"],
                  ["data", "show", "data/examples/calculator-held-out.jsonl"],
                  ["generate", "--model", MODEL, "--prompt", "numbers 3 4 target 7 ?", "--max-new", "3", "--json"]):
        for where, why in ((">/dev/full", "No space left"), (">&-", "Bad file descriptor")):
            done = subprocess.run(["sh", "-c", f'exec "$@" {where}', "sh"] + command(words), stdin=subprocess.DEVNULL, capture_output=True, text=True)
            check(done.returncode == IO and done.stderr.splitlines()[-1].startswith("rulezero: cannot write") and why in done.stderr, words[0], where, done)


@case("what is said goes into no file that took a closed descriptor's place")
def _(folder):
    for where in "2>&-", ">&- 2>&-", "<&- >&- 2>&-":
        done = subprocess.run(["sh", "-c", f'exec "$@" {where}', "sh"] + command(["train", GRPO, *KEYS, f"out={folder}/run{len(where)}"]), timeout=180)
        check(done.returncode == OK, where, done)
        for name in "lock", "log.txt", "metrics.jsonl", "eval.jsonl":
            with open(f"{folder}/run{len(where)}/{name}") as f:
                check("s/step" not in f.read(), f"{where}: progress is in {name}")
        identical(the_run(), f"{folder}/run{len(where)}")


@case("a folder that is named like a task is no data set")
def _(folder):
    shutil.copy(GRPO, f"{folder}/short.yaml")
    os.mkdir(f"{folder}/countdown")
    rulezero("train", f"{folder}/short.yaml", f"out={folder}/run", *KEYS).expect(OK)
    identical(the_run(), f"{folder}/run")


@case("a job does not depend on the folder it is started from")
def _(folder):
    process = subprocess.run(command(["train", os.path.abspath("configs/quick.yaml"), f"out={folder}/run", "--dry-run"]), cwd=folder, capture_output=True, text=True)
    check(process.returncode == OK, process.stderr)


if __name__ == "__main__":
    try:
        main(workers=2)
    finally:
        shutil.rmtree(made_folder, ignore_errors=True)
