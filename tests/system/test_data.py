"""data make, show and convert; compressed data in every place that reads JSON Lines; a user's own data (configs/own-data.yaml), and what is told when it
does not fit."""
import collections
import gzip
import itertools
import re

from common import *

TASK = ["numbers=2,3", "max_input=9", "max_value=40"]
SPLITS = ["train", "validation", "test"]
EXAMPLES = "data/examples"

def make(*words, status=OK):
    return rulezero("data", "make", *words).expect(status)

def made(*words):
    return [json.loads(line) for line in make(*words, "-o", "-").out.splitlines()]

def values(numbers):
    """All that can be made of the numbers, each used once, every step a whole number of 1..40 (brute force)."""
    if len(numbers) == 1:
        return {numbers[0]}
    found = set()
    for i, j in itertools.permutations(range(len(numbers)), 2):
        rest = [numbers[k] for k in range(len(numbers)) if k not in (i, j)]
        a, b = numbers[i], numbers[j]
        for c in {a + b, a - b, a * b} | ({a // b} if a % b == 0 else set()):
            if 1 <= c <= 40:
                found |= values(rest + [c])
    return found

def write(path, content):
    with open(path, "wb" if isinstance(content, bytes) else "w") as f:
        f.write(content)
    return path

def read(path):
    with open(path, "rb") as f:
        return f.read()

# ---- make ----

@case("make: problems can be solved, are of their split, and come again by the seed")
def _(folder):
    multisets = {}
    for split in SPLITS:
        problems = made("countdown", *TASK, f"split={split}", "test_share=0.2", "validation_share=0.2", "--count", "300", "--seed", "7")
        check(len(problems) == 300, len(problems))
        for p in problems:
            numbers, target = p["meta"]["numbers"], p["meta"]["target"]
            check(target in values(numbers), f"{numbers} cannot make {target}")
            check(p["prompt"] == f"numbers {' '.join(map(str, numbers))} target {target} ?" and p["answer"] == str(target) and p["task"] == "countdown", p)
            check(len(numbers) in (2, 3) and all(1 <= x <= 9 for x in numbers), p)
        multisets[split] = {tuple(sorted(p["meta"]["numbers"])) for p in problems}
        again = made("countdown", "task.numbers=2,3", "--max_input", "9", "task.max_value=40", f"--split={split}", "test_share=0.2", "validation_share=0.2",
                     "count=300", "seed=7")
        check(again == problems, "the same words spelt in another way make other problems")
    for a, b in itertools.combinations(SPLITS, 2):
        check(not multisets[a] & multisets[b], f"{a} and {b} share numbers")
    check(made("countdown", *TASK, "--count", "50", "--seed", "8") != made("countdown", *TASK, "--count", "50", "--seed", "7"), "the seed changes nothing")
    check(made("countdown", *TASK, "--count", "50")[:20] == made("countdown", *TASK, "--count", "20"), "a longer file begins with other problems")

@case("make: distinct=true repeats no problem, and says when there are no more")
def _(folder):
    words = ["countdown", "numbers=2", "max_input=6", "max_value=20", "test_share=0", "validation_share=0"]
    problems = made(*words, "distinct=true", "--count", "40")
    same = collections.Counter((tuple(sorted(p["meta"]["numbers"])), p["meta"]["target"]) for p in problems)
    check(max(same.values()) == 1, same.most_common(3))
    sentence = make(*words, "distinct=true", "--count", "1000", "-o", f"{folder}/x.jsonl", status=CONFIG).sentence()
    # by brute force: every pair of 1..6, every value of 1..20 that is none of the two
    all_of_them = sum(len({v for v in values([a, b]) if v <= 20 and v not in (a, b)}) for a in range(1, 7) for b in range(a, 7))
    check(f"only {all_of_them} different problems" in sentence, sentence, f"there are {all_of_them}")
    check(os.listdir(folder) == [], os.listdir(folder))

@case("make: decimals and sums are right, of their kinds, and split by their numbers")
def _(folder):
    from fractions import Fraction
    keys = {"decimals": ["whole_digits=1", "task.fraction_digits=3", "hard_share=0.5"], "sums": ["terms=2,4", "digits=3"]}
    for task, words in keys.items():
        contents = {}
        for split in SPLITS:
            problems = made(task, *words, f"split={split}", "--count", "400", "--seed", "3")
            for p in problems:
                numbers = [Fraction(x) for x in p["meta"].get("candidates") or p["meta"]["terms"]]
                check(Fraction(p["answer"]) == (max(numbers) if task == "decimals" else sum(numbers)) and p["task"] == task, p)
            contents[split] = {tuple(sorted(map(Fraction, p["meta"].get("candidates") or p["meta"]["terms"]))) for p in problems}
            kinds = collections.Counter(p["meta"]["kind"] for p in problems)
            check(set(kinds) == ({"2_terms", "4_terms"} if task == "sums" else {"hard", "longer", "several", "signed", "equal", "easy"}), kinds)
            check(task == "sums" or 150 < kinds["hard"] < 250, kinds)
        for a, b in itertools.combinations(SPLITS, 2):
            check(not contents[a] & contents[b], f"{task}: {a} and {b} share numbers")
    problems = made("decimals", "--count", "200")
    rules = "configs/rules/decimals.yaml"
    lines = [dict(p, completion=f"<think>a</think> <answer>{p['answer']}</answer>") for p in problems]
    path = write(f"{folder}/right.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    scores = [json.loads(line) for line in rulezero("score", "--rules", rules, path).expect(OK).out.splitlines()]
    check(len(scores) == 200 and all(s["correct"] and s["score"] == 1.1 for s in scores), "a right answer is not right by the rules")

@case("make --corpus: what a base reads")
def _(folder):
    texts = made("countdown", *TASK, "--corpus", "--count", "200", "corpus.max_words=120")
    check(all(list(t) == ["text"] for t in texts) and len(texts) == 200, texts[:2])
    check(any("<think>" in t["text"] for t in texts) and max(len(t["text"].split()) for t in texts) <= 120, "no corpus")
    make("countdown", "--corpus", "--count", "5", "-o", f"{folder}/t.jsonl.zst")
    rulezero("data", "show", f"{folder}/t.jsonl.zst", "--model", MODEL).expect(OK, "5 texts", "a text")

@case("what is wrong in the words is told in a sentence, and nothing is overwritten")
def _(folder):
    there = write(f"{folder}/there.jsonl", "mine")
    out = ["-o", f"{folder}/new.jsonl"]
    before = snapshot(folder)
    rows = [
        (["make", "countdwon", "--count", "5", *out], USAGE, "did you mean countdown?"),
        (["make", "--count", "5", *out], USAGE, "a task is missing"),
        (["make", "countdown", *out], USAGE, "count is missing"),
        (["make", "countdown", "--count", "5"], USAGE, "-o is missing"),
        (["make", "countdown", "--count", "-5", *out], CONFIG, "count is -5"),
        (["make", "countdown", "--count", "many", *out], CONFIG, "'many'"),
        (["make", "countdown", "--count", "5", "max_inptu=5", *out], CONFIG, "did you mean 'task.max_input'"),
        (["make", "countdown", "--count", "5", "split=tset", *out], CONFIG, "train, validation, test"),
        (["make", "countdown", "--count", "5", "split=test", "test_share=0", *out], CONFIG, "the test split holds no problems"),
        (["make", "countdown", "--count", "5", "max_input=200", *out], CONFIG, "max_input is 200"),
        (["make", "countdown", "--count", "5", "terms=3", *out], USAGE, "terms is no key of the task countdown, which has numbers, max_input, max_value, targets"),
        (["make", "sums", "--count", "5", "task.numbers=3", *out], USAGE, "numbers is no key of the task sums, which has terms, digits"),
        (["make", "sums", "--corpus", "--count", "5", *out], CONFIG, "the task sums has no documents"),
        (["make", "countdown", "--count", "5", "-o", f"{folder}/new.csv"], USAGE, ".jsonl.gz"),
        (["make", "countdown", "--corpus", "--count", "5", "-o", f"{folder}/new.h5"], USAGE, "documents"),
        (["make", "countdown", "--count", "5", "-o", there], CREATE, "there.jsonl is there already"),
        (["make", "countdown", "--count", "5", "-o", f"{folder}/none/new.jsonl"], CREATE, "No such file or directory"),
        (["show"], USAGE, "a FILE is missing"),
        (["show", f"{folder}/none.jsonl"], IO, "No such file"),
        (["show", there], DATA, "there.jsonl:1: not valid JSON"),
        (["show", MODEL], DATA, "not a data set"),
        (["show", there, "--limit", "few"], USAGE, "'few'"),
        (["convert", there], USAGE, "two files"),
        (["convert", f"{EXAMPLES}/calculator-train.jsonl", there], CREATE, "there.jsonl is there already"),
        (["convert", there, f"{folder}/new.h5"], DATA, "there.jsonl:1: not valid JSON"),
        (["convert", there, f"{folder}/new.gz"], DATA, "there.jsonl:1: not valid JSON"),
        (["mkae"], USAGE, "did you mean data make?"),
        ([], USAGE, "data tasks, data make, data show or data convert"),
    ]
    for words, status, what in rows:
        result = rulezero("data", *words).expect(status, what)
        result.sentence()
        check(not result.out, result)
        unchanged(before, folder)

@case("a full disk")
def _(folder):
    check(os.path.exists("/dev/full"), "no /dev/full")
    with open("/dev/full", "w") as full:
        words = command(["data", "make", "countdown", "--count", "10000", "-o", "-"])
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    check(done.returncode == IO and "No space left" in done.stderr, done)

@case("GSM8K's lines are read as they are, and converted to problems of any form")
def _(folder):
    here = "tests/golden/data"
    expected = [line.split("\t") for line in open(f"{here}/gsm8k-expected.txt", encoding="utf-8").read().splitlines()]
    rulezero("data", "convert", f"{here}/gsm8k.jsonl", f"{folder}/a.jsonl").expect(OK, "20 problems")
    rulezero("data", "convert", f"{here}/gsm8k.jsonl", f"{folder}/a.h5").expect(OK, "20 problems")
    rulezero("data", "convert", f"{folder}/a.h5", f"{folder}/b.jsonl.gz").expect(OK, "20 problems")
    with gzip.open(f"{folder}/b.jsonl.gz", "rt", encoding="utf-8") as f:
        again = [json.loads(line) for line in f]
    for problems in lines_of(f"{folder}/a.jsonl"), again:
        check([[p["answer"], json.dumps(p["meta"], separators=(",", ":")), p["prompt"]] for p in problems] == expected, problems)
    rulezero("data", "show", f"{here}/gsm8k.jsonl").expect(OK, "20 problems", "Mira plants 4 rows")
    said = rulezero("train", GRPO, f"data={folder}/gsm8k/train.jsonl", f"out={folder}/run").expect(IO).sentence()
    check("gsm8k/train.jsonl" in said and "put the file there, or say where it is: data=FILE" in said, said)

@case("show: texts of a file do not steer the terminal")
def _(folder):
    line = json.dumps({"prompt": "3 \x1b[31m \x9b1m é ?", "meta": {"k\x1b": 1}, "z\x1b": 1}) + "\n"
    text = rulezero("data", "show", write(f"{folder}/a.jsonl", line)).expect(OK, "3 ?[31m ?1m é ?", "k? 1", "'z?'").out
    check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), repr(text))

@case("a pipe is told from damaged data")
def _(folder):
    os.mkfifo(f"{folder}/pipe")
    for words in ["data", "show", f"{folder}/pipe"], ["generate", "--model", MODEL, "--prompts", f"{folder}/pipe"]:
        rulezero(*words, timeout=20).expect(DATA, f"{folder}/pipe is a pipe").sentence()

@case("make that is stopped leaves nothing")
def _(folder):
    process = start(["data", "make", "countdown", "--count", "1000000000", "-o", f"{folder}/x.jsonl"])
    wait_for(lambda: os.listdir(folder), process)
    process.send_signal(signal.SIGINT)
    finish(process).expect(75, "stopped by a signal")
    check(os.listdir(folder) == [], os.listdir(folder))


# ---- every form holds the same ----

# Two frames by zstd 1.5.4, one with a checksum, for where its program is not installed.
GOLDEN = bytes.fromhex("28b52ffd04688100007b2270726f6d7074223a202261227d0aa730877028b52ffd00488100007b2270726f6d7074223a202262227d0a")
ODD = [
    '{"prompt": "a", "answer": "x \\u00e9\\n\\"q\\"", "meta": {"k": [1, "}"], "n":  1.50}}',
    '{"answer": 18.00, "prompt": "b", "cluster": 18446744073709551615}',
    '{"prompt": "c", "answer": 123456789012345678901234567890, "meta": null, "cluster": 7}',
    '{"task": "countdown", "meta": {"numbers": [3, 5, 4], "target": 32}}',
    '{"prompt": "d", "task": "other", "meta": {}, "cluster": 7}',
]
# As JSON Lines made of HDF5 say it: the same, in our order, numbers as texts of the same digits, the cluster where it is not the line's number.
ODD_BACK = [
    {"prompt": "a", "answer": "x é\n\"q\"", "meta": {"k": [1, "}"], "n": 1.5}},
    {"prompt": "b", "answer": "18.00", "cluster": 18446744073709551615},
    {"prompt": "c", "answer": "123456789012345678901234567890", "cluster": 7},
    {"prompt": "numbers 3 5 4 target 32 ?", "answer": "32", "meta": {"numbers": [3, 5, 4], "target": 32}, "task": "countdown"},
    {"prompt": "d", "task": "other", "cluster": 7},
]

def convert(a, b):
    rulezero("data", "convert", a, b).expect(OK)
    return b

@case("convert: JSON Lines, gzip, zstd, HDF5 and back")
def _(folder):
    text = "\n".join(ODD) + "\n"
    plain = write(f"{folder}/a.jsonl", text)
    packed = convert(plain, f"{folder}/a.jsonl.gz")
    check(gzip.decompress(read(packed)).decode() == text, "gzip holds other lines")
    zst = convert(packed, f"{folder}/a.jsonl.zst")
    check(read(zst)[:4] == b"\x28\xb5\x2f\xfd", "no zstd")
    check(read(convert(zst, f"{folder}/b.jsonl")).decode() == text, "back from zstd: other lines")
    golden = convert(write(f"{folder}/golden", GOLDEN), f"{folder}/golden.jsonl")
    check(read(golden) == b'{"prompt": "a"}\n{"prompt": "b"}\n', read(golden))
    if shutil.which("zstd"):
        check(subprocess.run(["zstd", "-dc", zst], stdout=subprocess.PIPE, check=True).stdout.decode() == text, "zstd reads other lines")
        foreign = write(f"{folder}/f.jsonl.zst", b"".join(
            subprocess.run(["zstd", "-19", "-c"], input=line.encode() + b"\n", stdout=subprocess.PIPE, check=True).stdout for line in ODD))  # a frame a line
        check(read(convert(foreign, f"{folder}/f.jsonl")).decode() == text, "lines of zstd's are read otherwise")
    foreign = write(f"{folder}/name-says-nothing.txt", b"".join(gzip.compress(line.encode() + b"\n") for line in ODD))
    check(read(convert(foreign, f"{folder}/g.jsonl")).decode() == text, "lines of gzip's are read otherwise")
    for i, source in enumerate((plain, packed, zst)):
        store = convert(source, f"{folder}/{i}.h5")
        check(digest(store) == digest(f"{folder}/0.h5"), "the packing shows in HDF5")
        for ending in ".jsonl", ".jsonl.gz":
            lines = read(convert(store, f"{folder}/{i}{ending}"))
            lines = [json.loads(line) for line in (gzip.decompress(lines) if ending.endswith("gz") else lines).decode().splitlines()]
            check(lines == ODD_BACK, lines)
    check(b'"n":  1.50' in read(f"{folder}/0.jsonl"), "meta is not kept as written")
    check(digest(convert(f"{folder}/0.jsonl", f"{folder}/again.h5")) == digest(f"{folder}/0.h5"), "HDF5, JSON Lines, HDF5: not the same")
    write(f"{folder}/extra.jsonl", '{"prompt": "a", "difficulty": 3}\n')
    rulezero("data", "convert", f"{folder}/extra.jsonl", f"{folder}/extra.h5").expect(OK, "'difficulty'", "put into meta")
    rulezero("data", "show", f"{folder}/extra.jsonl").expect(OK, "1 problems", "'difficulty'")
    check(rulezero("data", "convert", f"{folder}/0.h5", "-").expect(OK).out == read(f"{folder}/0.jsonl").decode(), "- writes something else")

@case("make writes the same problems in every form")
def _(folder):
    words = ["countdown", *TASK, "--count", "200", "--seed", "3"]
    truth = made(*words)
    for ending in "jsonl", "jsonl.gz", "jsonl.zst", "h5":
        make(*words, "-o", f"{folder}/a.{ending}")
        make(*words, "-o", f"{folder}/b.{ending}")
        check(digest(f"{folder}/a.{ending}") == digest(f"{folder}/b.{ending}"), f"{ending}: not the same bytes twice")
        back = rulezero("data", "convert", f"{folder}/a.{ending}", "-").expect(OK).out.splitlines()
        check([json.loads(line) for line in back] == truth, f"{ending} holds other problems")
    check(gzip.decompress(read(f"{folder}/a.jsonl.gz")) == read(f"{folder}/a.jsonl"), "gzip")

@case("show counts right")
def _(folder):
    lines = [{"prompt": f"numbers {i % 4} {'é' * (i % 3)} target 7 ?", "answer": "7" * (1 + i % 2), "meta": {"have": i, **({"odd": 1} if i % 2 else {})}}
             for i in range(30)] + [{"prompt": "numbers 3 elephant ?"}]
    path = write(f"{folder}/a.jsonl", "".join(json.dumps(x) + "\n" for x in lines))
    text = rulezero("data", "show", path, "--model", "data/countdown/tokenizer.json", "--limit", "2").expect(OK).out
    check(rulezero("data", "show", "limit=2", path, "model=data/countdown/tokenizer.json").out == text, "another spelling, another table")
    prompts = [x["prompt"] for x in lines]
    sizes = sorted(map(len, prompts))
    outside = sum("é" in p or "elephant" in p for p in prompts)
    for what in ("31 problems, JSON Lines", f"{sizes[15]} characters ({sizes[0]} to {sizes[-1]})", "1 of 31 have none", "have 30, odd 15", "31 of 31",
                 f"{31 - len(set(prompts))} of 31 are the same", f"{outside} cannot be encoded, the first is {path}:2:", "a.jsonl:1\n", "a.jsonl:2\n"):
        check(what in text, f"not '{what}' in\n{text}")
    check("a.jsonl:3\n" not in text, text)

# ---- compressed data is data ----

def trained(folder, name, *words):
    rulezero("train", GRPO, f"out={folder}/{name}", *words, ranks=2).expect(OK)
    return f"{folder}/{name}"

@case("training and evaluating on compressed problems gives the same bits, and a run goes on when its data was packed")
def _(folder):
    plain, held = f"{folder}/a.jsonl", f"{folder}/held.jsonl"
    for path, split in (plain, "train"), (held, "validation"):
        make("countdown", "numbers=2", f"split={split}", "validation_share=0.3", "--count", "40", "-o", path)
    runs = [trained(folder, "plain", f"data={plain}", f"eval.data={held}")]
    for ending in ".gz", ".zst":
        runs.append(trained(folder, "run" + ending, f"data={convert(plain, plain + ending)}", f"eval.data={convert(held, held + ending)}"))
        identical(runs[0], runs[-1])
    store = trained(folder, "store", f"data={convert(plain, folder + '/a.h5')}", f"eval.data={convert(held, folder + '/held.h5')}")
    check([timeless(m) for m in metrics(store)] == [timeless(m) for m in metrics(runs[0])], "HDF5 is trained on otherwise")
    rulezero("train", GRPO, f"out={runs[0]}", f"data={plain}.gz", f"eval.data={held}.zst").expect(OK)
    make("countdown", "numbers=2", "--count", "40", "--seed", "2", "-o", f"{folder}/other.jsonl.gz")
    rulezero("train", GRPO, f"out={runs[0]}", f"data={folder}/other.jsonl.gz", f"eval.data={held}").expect(CONFIG, "data")
    rulezero("train", GRPO, f"out={runs[0]}", f"data={plain}", f"eval.data={folder}/other.jsonl.gz").expect(CONFIG, "the data (data, eval.data, examples)")


@case("a file of held-out problems is evaluated once, however many were asked for")
def _(folder):
    make("countdown", "numbers=2", "--count", "9", "distinct=true", "-o", f"{folder}/held.jsonl")
    out = trained(folder, "run", f"eval.data={folder}/held.jsonl", "eval.problems=50", "steps=1")
    with open(f"{out}/eval.jsonl") as f:
        told = [json.loads(line)["problems"] for line in f]
    check(told == [9, 9], told)


@case("pretraining on compressed texts, and score on a compressed file")
def _(folder):
    make("countdown", "numbers=2", "--corpus", "--count", "50", "corpus.max_words=80", "-o", f"{folder}/t.jsonl")
    convert(f"{folder}/t.jsonl", f"{folder}/t.zst")
    for name in "t.jsonl", "t.zst":
        rulezero("pretrain", BASE, f"pretrain.data={folder}/{name}", f"out={folder}/run-{name}").expect(OK)
    identical(f"{folder}/run-t.jsonl", f"{folder}/run-t.zst")
    line = json.dumps({"completion": "<think> 3 + 4 = 7 </think> <answer> 3 + 4 </answer>", "meta": {"numbers": [3, 4], "target": 7}}) + "\n"
    write(f"{folder}/s.jsonl", line * 3)
    write(f"{folder}/s.gz", gzip.compress((line * 3).encode()))
    outs = [rulezero("score", "--rules", "configs/rules/countdown.yaml", f"{folder}/{name}").expect(OK).out for name in ("s.jsonl", "s.gz")]
    check(outs[0] == outs[1] and outs[0].count('"correct":true') == 3, outs)

# ---- a user's own data ----

OWN = "configs/own-data.yaml"

@case("own data: the files that ship are what their script makes, and hold what it says")
def _(folder):
    subprocess.run([sys.executable, "-B", f"{EXAMPLES}/make_calculator.py", folder], check=True, env=dict(os.environ, RULEZERO=BINARY))
    pairs = {}
    for name in "train", "held-out":
        check(read(f"{folder}/calculator-{name}.jsonl") == read(f"{EXAMPLES}/calculator-{name}.jsonl"), f"calculator-{name}.jsonl is not what the script makes")
        problems = lines_of(f"{EXAMPLES}/calculator-{name}.jsonl")
        for p in problems:
            a, b = p["meta"]["have"]
            check(p["answer"] == p["meta"]["reach"] and p["answer"] in (a + b, a - b, b - a), p)
        pairs[name] = {tuple(sorted(p["meta"]["have"])) for p in problems}
    check(not pairs["train"] & pairs["held-out"], "held-out pairs are trained on")

@case("own data: the reward rises, on held-out problems too")
def _(folder):
    result = rulezero("train", OWN, f"out={folder}/run", ranks=2).expect(OK)
    reward = [m["reward/mean"] for m in metrics(f"{folder}/run")]
    first, last = sum(reward[:32]) / 32, sum(reward[-32:]) / 32
    before, after = (e["accuracy"] for e in lines_of(f"{folder}/run/eval.jsonl"))
    check(first < 1 and last > 1.3 and before < 0.15 and after > 0.6, first, last, before, after, result)

@case("own data: the rule pays for what it says")
def _(folder):
    rows = [
        ("<think> 23 - 8 = 15 vs 15 off 0 yes </think> <answer> 23 - 8 </answer>", 1.6, True),
        ("<think> 8 + 23 = 31 vs 15 off 16 no wait 23 - 8 = 15 vs 15 off 0 yes </think> <answer> 23 - 8 </answer>", 1.6, True),
        ("<think> 23 - 8 = 14 vs 15 off 0 yes </think> <answer> 23 - 8 </answer>", 1.3, False),  # the working is not true
        ("<think> 8 + 23 = 15 vs 15 off 0 yes </think> <answer> 23 - 8 </answer>", 1.1, False),  # not what was checked
        ("<think> 23 - 8 </think> <answer> 23 - 8 </answer>", 1.1, False),
        ("<think> 8 - 23 = 15 vs 15 off 0 yes </think> <answer> 8 - 23 </answer>", 0.1, False),
        ("23 - 8 = 15 vs 15 off 0 yes", 0, False),
    ]
    write(f"{folder}/cases.jsonl", "".join(json.dumps({"completion": c, "answer": 15, "meta": {"have": [8, 23], "reach": 15}}) + "\n" for c, _, _ in rows))
    out = rulezero("score", "--rules", "configs/rules/own-data.yaml", f"{folder}/cases.jsonl").expect(OK).out
    for line, (completion, score, correct) in zip(map(json.loads, out.splitlines()), rows, strict=True):
        check(abs(line["score"] - score) < 1e-9 and line["correct"] == correct, completion, line)

def own(name, status, words, line, rules=None):
    """The second of two problems is wrong: one sentence, and no run directory."""
    @case(f"own data: {name}")
    def _(folder):
        good = {"prompt": "numbers 8 23 target 15 ?", "answer": 15, "meta": {"have": [8, 23], "reach": 15}}
        line_bytes = line if isinstance(line, bytes) else json.dumps({**good, **line}).encode() if isinstance(line, dict) else line.encode()
        path = write(f"{folder}/own.jsonl", json.dumps(good).encode() + b"\n" + line_bytes + b"\n")
        more = []
        if rules:
            with open("configs/rules/own-data.yaml", encoding="utf-8") as f:
                text = f.read()
            check(text.count(rules[0]) == 1, rules)
            more = ["rules=" + write(f"{folder}/rules.yaml", text.replace(*rules))]
        before = snapshot(folder)
        for ranks in 0, 2:
            sentence = rulezero("train", OWN, f"data={path}", f"out={folder}/run", *more, ranks=ranks).expect(status).sentence()
            for word in words:
                check(word in sentence, f"nothing said of '{word}': {sentence}")
            unchanged(before, folder)

own("no prompt", DATA, ["own.jsonl:2:", "field prompt is missing"], '{"answer": 15, "meta": {"have": [8, 23], "reach": 15}}')
own("a rule's key of meta is missing", DATA, ["own.jsonl:2:", "own-data.yaml", "rule 'right'", "no 'have'", "gold_error: skip"], {"meta": {"reach": 15}})
own("a rule compares with an answer that is not there", DATA, ["own.jsonl:2:", "rule 'true_working'", "no answer"], {"answer": None})
own("an answer that the comparison cannot use", DATA, ["own.jsonl:2:", "rule 'true_working'", "'fifteen'"], {"answer": "fifteen"})
own("a word outside the vocabulary", DATA, ["own.jsonl:2:", '"elephant" is not in the vocabulary'], {"prompt": "numbers 8 elephant target 15 ?"})
own("invalid UTF-8", DATA, ["own.jsonl:2:", "not valid UTF-8"], b'{"prompt": "\xff"}')
own("a bad key in the rules", CONFIG, ["rules.yaml:", "'numbres'", "did you mean 'numbers'"], {}, ("numbers: have", "numbres: have"))
own("rules that want another key of meta", DATA, ["own.jsonl:1:", "rule 'right'", "no 'cards'"], {}, ("numbers: have ", "numbers: cards "))

@case("own data: an empty file")
def _(folder):
    for content, name in (b"", "a.jsonl"), (gzip.compress(b""), "b.gz"), (gzip.compress(b"\n\n"), "c.gz"):
        path = write(f"{folder}/{name}", content)
        sentence = rulezero("train", OWN, f"data={path}", f"out={folder}/run").expect(DATA).sentence()
        check(f"{name}: holds no lines" in sentence, sentence)
    check(not os.path.exists(f"{folder}/run"), "a run directory")

if __name__ == "__main__":
    main(workers=3)
