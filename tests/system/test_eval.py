"""`rulezero eval`: the same on any number of ranks and threads; every figure against one computed here from the completions; the evaluation of
training is this one; mistakes end in one sentence."""
import collections
import fractions
import gzip
import math
import re

from common import *

sys.path.insert(0, "tests/golden/data")
from make_trace import count as count_trace  # regular expressions, another way than the program's

RULES = "configs/rules/countdown.yaml"
USUAL = ["eval", "--model", MODEL, "--rules", RULES]
MIXED = ["numbers=2,3", "max_input=20", "max_value=40", "targets=uniform"]


def evaluate(*arguments, ranks=0, status=OK, words=USUAL):
    result = rulezero(*words, *arguments, "--json", ranks=ranks).expect(status)
    return timeless(json.loads(result.out))


def write(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    return path


# ---- the figures, once more ----

def value(expression):
    """Exact; raises what is no expression of numbers, + - * / and parentheses."""
    words = expression.split()
    check(all(re.fullmatch(r"[0-9]+|[-+*/()]", w) for w in words), "another word")
    return eval("".join(f"fractions.Fraction({w})" if w.isdigit() else w for w in words))


def answer_of(text):
    """The answer of a completion in the required form, else None."""
    m = re.fullmatch(r"\s*<think>(.*\S.*)</think>\s*<answer>(.*\S.*)</answer>\s*", text)
    return m[2].strip() if m and not re.search(r"</?(think|answer)>", m[1] + m[2]) else None


def is_right(answer, meta):
    try:
        return value(answer) == meta["target"] and sorted(re.findall(r"[0-9]+", answer)) == sorted(map(str, meta["numbers"]))
    except (AssertionError, SyntaxError, ZeroDivisionError, TypeError):
        return False


def completion_facts(line):
    answer = None if line["truncated"] else answer_of(line["completion"])
    right = answer is not None and is_right(answer, line["meta"])
    attempts, checks, equations, equations_right = count_trace(line["completion"])
    return {"accuracy": right, "format": answer is not None, "score": 0.1 * (answer is not None) + right, "mean_length": line["n_tokens"],
            "truncated": line["truncated"], "trace/attempts": attempts, "trace/self_checks": checks,
            "equations": (equations_right, equations), "answer": answer}


def majority(facts):
    votes = collections.Counter(f["answer"] for f in facts if f["answer"] is not None)
    leaders = [a for a, n in votes.items() if n == max(votes.values())]
    shares = [[f["accuracy"] for f in facts if f["answer"] == a] for a in leaders]
    return sum(sum(s) / len(s) for s in shares) / len(shares) if shares else 0


def problem_facts(lines, samples):
    """Name to (numerator, denominator), of one problem."""
    facts = [completion_facts(line) for line in lines]
    names = "accuracy", "format", "score", "mean_length", "truncated", "trace/attempts", "trace/self_checks"
    of = {name: (sum(f[name] for f in facts), samples) for name in names}
    of["trace/equations_right"] = tuple(sum(f["equations"][i] for f in facts) for i in (0, 1))
    right = sum(f["accuracy"] for f in facts)
    for k in [2 ** i for i in range(12) if 2 ** i < samples] + [samples]:
        of[f"pass@{k}"] = (1 - math.comb(samples - right, k) / math.comb(samples, k), 1)
    of[f"maj@{samples}"] = (majority(facts), 1)
    of["rewards/correct/mean"], of["rewards/format/mean"] = of["accuracy"], of["format"]
    of[f"accuracy/{len(lines[0]['meta']['numbers'])}_numbers"] = of["accuracy"]
    if "kind" in lines[0]["meta"]:
        of[f"accuracy/kind/{lines[0]['meta']['kind']}"] = of["accuracy"]
        of[f"accuracy/well_formed/{lines[0]['meta']['kind']}"] = right, of["format"][0]  # the rules call no other form right
    return of


def total(problems, name):
    parts = [p[name] for p in problems if name in p]
    den = sum(d for _, d in parts)
    return sum(n for n, _ in parts) / den if den else None


def intervals(problems, clusters, names, resamples=1500):
    """name: low, high, standard deviation, by plain resampling with Python's own random numbers."""
    chance, keys = random.Random(7), sorted(clusters)
    values = {name: [] for name in names}
    for _ in range(resamples):
        drawn = [problems[i] for key in chance.choices(keys, k=len(keys)) for i in clusters[key]]
        for name in names:
            values[name].append(total(drawn, name))
    found = {}
    for name, v in values.items():
        v = sorted(x for x in v if x is not None)
        mean = sum(v) / len(v)
        found[name] = v[round(.025 * len(v))], v[round(.975 * len(v)) - 1], (sum((x - mean) ** 2 for x in v) / len(v)) ** .5
    return found


def agrees(told, dump, samples, resample=()):
    """Everything that eval told, against its completions. Intervals of the names in `resample`."""
    lines = lines_of(dump)
    groups = collections.defaultdict(list)
    for line in lines:
        groups[line["problem"]].append(line)
    check(len(lines) == samples * told["problems"] and all(line["sample"] == i % samples for i, line in enumerate(lines)), "order of the dump")
    problems, clusters = [], collections.defaultdict(list)
    for i in range(told["problems"]):
        problems.append(problem_facts(groups[i], samples))
        clusters[tuple(sorted(groups[i][0]["meta"]["numbers"]))].append(i)
    check(told["clusters"] == len(clusters) and told["tokens"] == sum(line["n_tokens"] for line in lines), told)
    kinds = {k for p in problems for k in p if k.endswith("_numbers")}
    names = {k for p in problems for k in p} - (kinds if len(kinds) == 1 else set())
    estimates = {k for k in told if k + "_low" in told}
    check(names == estimates, f"names: {sorted(names ^ estimates)}")
    for name in names:
        mine = total(problems, name)
        check(mine is None and told[name] is None or abs(told[name] - mine) < 1e-9, f"{name} is {told[name]}, by the completions {mine}")
    for name, (low, high, sd) in intervals(problems, clusters, resample).items():
        # an end of the program's 2,000 resamples has a standard error of .06 sd, of these 1,500 of .07 sd
        check(abs(told[name + "_low"] - low) < .35 * sd and abs(told[name + "_high"] - high) < .35 * sd and sd > 0,
              f"{name}: [{told[name + '_low']}, {told[name + '_high']}], here [{low}, {high}]")
    return problems


@case("figures and intervals are those of the completions: a task")
def _(folder):
    told = evaluate("--data", "countdown", *MIXED, "--samples=6", "--limit=90", f"--dump={folder}/all.jsonl", "--max-new", "40", ranks=2)
    agrees(told, f"{folder}/all.jsonl", 6, ["accuracy", "pass@4", "maj@6", "trace/equations_right", "accuracy/2_numbers", "mean_length"])
    check(told["split"] == "test" and told["samples"] == 6 and 0 < told["truncated"] < 1 and 0 < told["accuracy"] < told["maj@6"] < 1, told)
    check(abs(told["pass@1"] - told["accuracy"]) < 1e-12 and told["pass@1"] < told["pass@2"] < told["pass@4"] < told["pass@6"], told)
    scored = rulezero("score", "--rules", RULES, f"{folder}/all.jsonl").expect(OK).out.splitlines()
    dumped = lines_of(f"{folder}/all.jsonl")
    check([json.loads(s)["score"] for s in scored] == [line["score"] for line in dumped], "score reads the dump and says otherwise")


@case("figures and intervals are those of the completions: a file, each line once and in order")
def _(folder):
    rulezero("data", "make", "countdown", "numbers=2", "max_input=20", "max_value=40", "--count", 50, "-o", f"{folder}/set.jsonl").expect(OK)
    prompts = [line["prompt"] for line in lines_of(f"{folder}/set.jsonl")]
    for limit in 0, 20:
        told = evaluate("--data", f"{folder}/set.jsonl", f"--limit={limit}", "--samples=3", f"--dump={folder}/{limit}.jsonl")
        agrees(told, f"{folder}/{limit}.jsonl", 3)
        check([line["prompt"] for line in lines_of(f"{folder}/{limit}.jsonl")][::3] == prompts[:limit or 50], "other problems, or another order")
        check(told["split"] is None and told["problems"] == (limit or 50), told)


@case("figures and intervals are those of the completions: by kind of problem")
def _(folder):
    rulezero("data", "make", "countdown", "numbers=2,3", "max_input=20", "max_value=40", "--count", 60, "-o", f"{folder}/set.jsonl").expect(OK)
    problems = lines_of(f"{folder}/set.jsonl")
    for p in problems:
        p["meta"]["kind"] = "sum" if p["meta"]["target"] == sum(p["meta"]["numbers"]) else "small" if p["meta"]["target"] < 12 else "large"
    with open(f"{folder}/kinds.jsonl", "w") as f:
        f.writelines(json.dumps(p) + "\n" for p in problems)
    told = evaluate("--data", f"{folder}/kinds.jsonl", "--samples=8", f"--dump={folder}/d.jsonl", ranks=2)
    agrees(told, f"{folder}/d.jsonl", 8, ["accuracy/kind/large", "accuracy/kind/small", "accuracy/well_formed/small"])
    check(told["accuracy/kind/sum"] > 0 and told["accuracy/well_formed/sum"] > told["accuracy/kind/sum"], told)
    table = rulezero(*USUAL, "--data", f"{folder}/kinds.jsonl", "--samples=2").expect(OK).err
    check("accuracy/kind/large" in table and "accuracy/well_formed/sum" in table, table)


@case("the same on any number of ranks and threads, whatever the kernels")
def _(folder):
    words = ["--data", "countdown", *MIXED, "--samples=5", "--limit=17", "--max-new=30"]
    told = evaluate(*words)
    check(told["clusters"] > 5 and told["accuracy_low"] < told["accuracy_high"], told)
    for ranks, more in ((2, []), (3, ["--threads=2"]), (0, ["--threads", "3"])):
        check(evaluate(*words, *more, ranks=ranks) == told, f"{ranks} ranks, {more}")
    check(evaluate(*words, "--seed=2") != told, "another seed is another evaluation")


@case("--stop ends completions after a text, on any number of ranks; an answer that is there already stays as good")
def _(folder):
    words = ["--data", "countdown", *MIXED, "--samples=4", "--limit=20", "--max-new=60"]
    evaluate(*words, f"--dump={folder}/free")
    told = evaluate(*words, "--stop", "/answer>", "--stop=ff 1", f"--dump={folder}/1")
    check(evaluate(*words, "--stop", "/answer>", "--stop=ff 1", f"--dump={folder}/2", ranks=2) == told, "two ranks")
    check(lines_of(f"{folder}/1") == lines_of(f"{folder}/2"), "two ranks: other completions")
    cut = 0
    for a, b in zip(lines_of(f"{folder}/free"), lines_of(f"{folder}/1")):
        words = a["completion"].split()
        texts = [" ".join(words[:n]) for n in range(1, len(words) + 1)]
        n = next((i + 1 for i, text in enumerate(texts) if "/answer>" in text or "ff 1" in text), 0)
        check(b["completion"] == (texts[n - 1] if n else a["completion"]) and b["truncated"] == (a["truncated"] and not n), (a, b))
        check(n < len(words) or a["score"] == b["score"] or a["truncated"], (a, b))
        cut += 0 < n < len(words)
    check(told["accuracy"] > 0 and cut > 5, f"{told['accuracy']}, {cut} cut: the cases show nothing")


@case("rules see the beginning of the answer that is given, and it is in the dump")
def _(folder):
    words = ["--data", "countdown", *MIXED, "--samples=4", "--limit=30", "--max-new=40"]
    told = evaluate(*words, "--response-prefix= <think> ", f"--dump={folder}/d")
    dump = lines_of(f"{folder}/d")
    check(all(x["completion"].startswith(" <think> ") for x in dump), dump[0])
    agrees(told, f"{folder}/d", 4)
    check(told["format"] > 0.3, f"format {told['format']}: the case shows nothing")
    check(evaluate(*words, "--response-prefix= <think> ", ranks=2) == told, "two ranks")


@case("a large evaluation is the sum of its parts: it is cut at 16384 completions")
def _(folder):
    same = [{"prompt": "numbers 3 4 target 7 ?", "meta": {"numbers": [3, 4], "target": 7}}] * 5
    words = ["--data", write(f"{folder}/same.jsonl", same), "--max-new=1", "--samples=4096"]
    five, dump = evaluate(*words, "--limit=5", f"--dump={folder}/5.jsonl"), lines_of(f"{folder}/5.jsonl")
    evaluate(*words, "--limit=4", f"--dump={folder}/4.jsonl")
    check(lines_of(f"{folder}/4.jsonl") == dump[:4 * 4096], "four of five problems are others")
    texts = ["".join(line["completion"] + "," for line in dump[i * 4096:(i + 1) * 4096]) for i in range(5)]
    check(len(set(texts)) == 5 and five["tokens"] == 5 * 4096, "two problems drew the same numbers")


@case("greedy: every sample is the same")
def _(folder):
    words = ["--data", "countdown", "numbers=2", "max_input=20", "max_value=40", "--temperature=0", "--samples=3", "--limit=40"]
    told = evaluate(*words, f"--dump={folder}/d")
    lines = lines_of(f"{folder}/d")
    check(all(len({line["completion"] for line in lines[i:i + 3]}) == 1 for i in range(0, 120, 3)), "samples differ")
    check(0 < told["accuracy"] == told["pass@3"] == told["maj@3"] < 1, told)


@case("the evaluation before training is this one")
def _(folder):
    rulezero("train", GRPO, f"out={folder}/run", "eval.samples=3", "eval.problems=30",
             "rollout.stop=[no, '/ 1 =']").expect(OK)
    of_training = lines_of(f"{folder}/run/eval.jsonl")[0]
    words = ["--data", "countdown", "split=validation", "numbers=2", "task.max_input=20", "max_value=40", "--samples=3", "--limit=30", "--max-new=24", "--stop=no", "--stop", "/ 1 ="]
    told = evaluate(*words)
    check({k: told[k] for k in of_training if k != "step"} == {k: v for k, v in of_training.items() if k != "step"}, f"{told}\n{of_training}")
    check(told["pass@3"] > told["pass@1"] > 0, told)


@case("the evaluations of a run with kv_dtype=bf16 are those with --kv-dtype bf16; what tokens are worth to logprobs and generate is the same, and other numbers without")
def _(folder):
    words = ["--data", "countdown", "split=validation", "numbers=2", "task.max_input=20", "max_value=40", "--samples=3", "--limit=30", "--max-new=24", "--kv-dtype=bf16"]
    rulezero("train", GRPO, f"out={folder}/run", "kv_dtype=bf16", "eval.samples=3", "eval.problems=30").expect(OK)
    of_training = lines_of(f"{folder}/run/eval.jsonl")[0]
    told = evaluate(*words, words=["eval", "--model", MODEL, "--rules", RULES])
    check(all(told[key] == of_training[key] for key in of_training if key != "step"), told, of_training)
    worth = {}
    for name in "bf16", "f32":
        line = json.loads(rulezero("generate", "--model", MODEL, "--prompt", "numbers 14 3 target 42 ?", "--max-new=24", "--json", "--kv-dtype", name).expect(OK).out)
        put = write(f"{folder}/ids.jsonl", [json.dumps({"ids": line["prompt_ids"] + line["completion_ids"]}) + "\n"])
        again = json.loads(rulezero("logprobs", "--model", MODEL, "--kv-dtype", name, put).expect(OK).out)
        worth[name] = again["logprobs"]
        check(again["logprobs"][-len(line["logprobs"]):] == line["logprobs"], line, again)
    check(worth["bf16"] != worth["f32"], "kv_dtype changes nothing", worth)


@case("the evaluations of a run with dtype=bf16 are those with --dtype bf16, and others without")
def _(folder):
    words = ["--data", "countdown", "split=validation", "numbers=2", "task.max_input=20", "max_value=40", "--samples=3", "--limit=30", "--max-new=24"]
    for name, temperature, at, model in ("sampled", 1, 0, MODEL), ("greedy", 0, -1, f"{folder}/greedy/model.h5"):
        rulezero("train", GRPO, f"out={folder}/{name}", "dtype=bf16", f"eval.temperature={temperature}", "eval.samples=3", "eval.problems=30",
                 "optimizer.learning_rate=1e-2").expect(OK)
        of_training = lines_of(f"{folder}/{name}/eval.jsonl")[at]
        of_training.pop("step")
        for dtype in "bf16", "f32":
            told = evaluate(*words, f"--temperature={temperature}", f"--dtype={dtype}", words=["eval", "--model", model, "--rules", RULES])
            same = {key: told[key] for key in of_training} == of_training
            check(same if dtype == "bf16" else not same or not temperature, name, dtype, told, of_training)
    asked, ids = [], json.dumps({"ids": [1, 5, 9]})
    for dtype in "bf16", "f32":
        put = write(f"{folder}/ids.jsonl", [ids + "\n"])
        asked.append([rulezero("logprobs", "--model", MODEL, "--dtype", dtype, put).expect(OK).out,
                      rulezero("generate", "--model", MODEL, "--prompt", "numbers 14 3 target 42 ?", "--samples=8", "--json", "--dtype", dtype).expect(OK).out])
    check(all(a != b for a, b in zip(*asked)), "dtype changes nothing", asked)


@case("rules that read no answer have no majority; one set of numbers has no interval")
def _(folder):
    rules = write(f"{folder}/r.yaml", ["version: 1\nrules:\n  yes: {match: ' yes ', score: {pass: 1, fail: 0}}\n"])
    told = evaluate("--data", "countdown", "--limit=1", "--samples=8", words=["eval", "--model", MODEL, "--rules", rules])
    check("maj@8" not in told and told["clusters"] == 1 and told["accuracy"] is not None and told["accuracy_low"] is None, told)


@case("people get a table on stderr")
def _(folder):
    result = rulezero(*USUAL, "--data", "countdown", "numbers=2", "--limit=20", "--samples=2", ranks=2).expect(OK)
    check(not result.out, result)
    for pattern in r"^20 problems of countdown \(\d+ independent\), 2 samples each at temperature 1$", \
            r"^  accuracy +\d+\.\d% +\[\d+\.\d, \d+\.\d\]$", r"^  pass@2 ", r"^  maj@2 ", r"^  rewards/correct/mean +\d\.\d{3} +\[", r"^\d+ tokens in \d+\.\d s, \d+ tokens/s$":
        check(re.search(pattern, result.err, re.M), f"nothing like {pattern}\n{result}")


@case("a task's keys in both spellings; a file that is named like one; a dump that is compressed")
def _(folder):
    words = USUAL + ["--data", "countdown", "--limit=3", "--max-new=4"]
    plain = evaluate("numbers=2", "max_input=9", words=words)
    for spelt in (["task.numbers=2", "task.max_input=9"], ["--task.numbers", "2", "--max_input=9"], ["--numbers=2", "--task.max_input=9"]):
        check(evaluate(*spelt, words=words) == plain, spelt)
    line = {"prompt": "numbers 3 4 target 7 ?", "meta": {"numbers": [3, 4], "target": 7}}
    write(f"{folder}/task.jsonl", [line])
    where = [os.path.abspath(w) if os.path.exists(w) else w for w in USUAL]
    done = subprocess.run(command(where + ["--data", "task.jsonl", "--dump", "task.dump.gz", "--max-new=4"]), cwd=folder, capture_output=True, text=True)
    check(done.returncode == OK and sorted(os.listdir(folder)) == ["task.dump.gz", "task.jsonl"], done, os.listdir(folder))
    with gzip.open(f"{folder}/task.dump.gz", "rt") as f:
        check([json.loads(d)["prompt"] for d in f] == [line["prompt"]], "another dump")


@case("a signal leaves nothing at the name of the dump")
def _(folder):
    process = start(USUAL + ["--data", "countdown", "--samples=64", "--limit=100000", "--dump", f"{folder}/d"])
    wait_for(lambda: os.listdir(folder), process)
    process.send_signal(signal.SIGTERM)
    check(finish(process).status == -signal.SIGTERM and not os.path.exists(f"{folder}/d"), os.listdir(folder))


# ---- mistakes ----

MISTAKES = {
    "no flags": (USAGE, "--model is missing", ["eval"], None),
    "no data": (USAGE, "--data is missing", USUAL, None),
    "no rules": (USAGE, "--rules is missing", ["eval", "--model", MODEL, "--data", "countdown"], None),
    "no samples": (USAGE, "samples is 0, must be 1..4096", USUAL + ["--data", "countdown", "--samples", "0"], None),
    "too many samples": (USAGE, "samples is 4097, must be 1..4096", USUAL + ["--data", "countdown", "--samples=4097"], None),
    "an unknown flag": (USAGE, "did you mean '--samples'", USUAL + ["--data", "countdown", "--sample=3"], None),
    "a key of another kind of problem": (USAGE, "did you mean '--numbers'", USUAL + ["--data", "countdown", "numbes=3"], None),
    "no such model": (IO, "{folder}/none.h5: cannot be opened", ["eval", "--model", "{folder}/none.h5", "--rules", RULES, "--data", "countdown"], None),
    "a folder as a model": (DATA, "a folder without config.json", ["eval", "--model", "{folder}", "--rules", RULES, "--data", "countdown"], None),
    "a GGUF file that is none": (DATA, "is of GGUF version", ["eval", "--model", "{file}", "--rules", RULES, "--data", "countdown"], "GGUF and so on"),
    "a key of another task": (USAGE, "terms is no key of the task countdown, which has numbers, max_input, max_value, targets", USUAL + ["--data", "countdown", "terms=3"], None),
    "no such data": (IO, "neither a task (countdown, decimals, sums, products, ", USUAL + ["--data", "{folder}/none"], None),
    "no such rules": (IO, "{folder}/r.yaml: there is no such rule file", ["eval", "--model", MODEL, "--rules", "{folder}/r.yaml", "--data", "countdown"], None),
    "empty data": (DATA, "holds no lines", USUAL + ["--data", "{file}"], ""),
    "a broken line": (DATA, "{file}:2: not valid JSON", USUAL + ["--data", "{file}"],
                      '{"prompt": "numbers 3 4 target 7 ?", "meta": {"numbers": [3, 4], "target": 7}}\n{"prompt\n'),
    "words that the model does not know": (DATA, '{file}:1: the prompt "what is 3 ?"', USUAL + ["--data", "{file}"],
                                           '{"prompt": "what is 3 ?", "meta": {"numbers": [3], "target": 3}}\n'),
    "numbers that the model does not know": (DATA, "is not in the vocabulary", USUAL + ["--data", "countdown", "max_value=900", "max_input=99"],
                                             None),
    "problems without what the rules need": (DATA, "{file}:1: ", USUAL + ["--data", "{file}"], '{"prompt": "3 4 ?", "answer": "7"}\n'),
    "a task's key for a file": (USAGE, "targets is for a task", USUAL + ["--data", "{file}", "targets=mix"],
                                '{"prompt": "numbers 3 4 target 7 ?", "meta": {"numbers": [3, 4], "target": 7}}\n'),
    "a split that is empty": (CONFIG, "the test split holds no problems", USUAL + ["--data", "countdown", "test_share=0"], None),
    "a dump that is there": (CREATE, "cannot create {file}", USUAL + ["--data", "countdown", "--dump", "{file}"], "precious"),
    "an end token outside the vocabulary": (USAGE, "eos-token is '<end>'", USUAL + ["--data", "countdown", "--eos-token=<end>"], None),
}


def ends_in_a_sentence(status, sentence, words, content):
    def attempt(folder):
        places = {"folder": folder, "file": write(f"{folder}/given", [content] if content is not None else [])}
        before = snapshot(folder)
        for ranks in 0, 4:
            result = rulezero(*(w.format(**places) for w in words), ranks=ranks).expect(status)
            check(sentence.format(**places) in result.sentence() and not result.out, f"nothing said of '{sentence}'\n{result}")
            unchanged(before, folder)
    return attempt


for name, (status, sentence, words, content) in MISTAKES.items():
    case(f"eval: {name}")(ends_in_a_sentence(status, sentence, words, content))

main(CORES)
