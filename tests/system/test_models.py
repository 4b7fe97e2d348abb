"""logprobs and gradnorms on small models of every family against transformers (tests/golden/models.py), and what they refuse."""
import glob
import struct

from common import *

GOLDEN = os.path.join(HERE, "..", "golden", "models")
NAMES = sorted(os.path.basename(os.path.dirname(f)) for f in glob.glob(os.path.join(GOLDEN, "*", "config.json")))
QWEN3 = os.path.join(GOLDEN, "qwen3")


def ask(what, lines, *arguments, model):
    """Answers to lines on the standard input; lines are ids or text."""
    text = "".join((x if isinstance(x, str) else json.dumps({"ids": x})) + "\n" for x in lines)
    process = subprocess.Popen(command([what, "--model", model, *arguments]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    start = time.monotonic()
    out, err = process.communicate(text, timeout=180)
    return Result(f"{what} --model {model}", process.returncode, out, err, time.monotonic() - start)


def answers(what, lines, *arguments, model):
    return [json.loads(x) for x in ask(what, lines, *arguments, model=model).expect(OK).out.splitlines()]


def check_logprobs(name, expected):
    """Within max(1e-4, 4 times what transformers in binary32 differs from itself in binary64)."""
    sequences = expected["sequences"]
    found = answers("logprobs", [s["ids"] for s in sequences], model=os.path.join(GOLDEN, name))
    check(len(found) == len(sequences), name, len(found))
    for s, x in zip(sequences, found):
        wide = s["logprobs_f64"]
        check(len(x["logprobs"]) == len(wide) == len(s["ids"]) - 1, name, x)
        for i, (ours, narrow, exact) in enumerate(zip(x["logprobs"], s["logprobs_f32"], wide)):
            check(abs(ours - exact) <= max(1e-4, 4 * abs(narrow - exact)), f"{name}, token {i + 1} of {len(wide)}: {ours}, transformers {exact}")
        top, values = s["last_top_ids"], s["last_top_logprobs_f64"]
        check(len(x["last_top_ids"]) == len(x["last_top_logprobs"]) == 10, name, x)
        for i, id in enumerate(top[:10]):
            if min(abs(values[i] - values[j]) for j in range(len(values)) if j != i) > 1e-3:
                check(x["last_top_ids"][i] == id, f"{name}: {i + 1}. of the likeliest ids is {x['last_top_ids'][i]}, transformers {id}")
            check(abs(x["last_top_logprobs"][i] - values[i]) <= 1e-4, name, x["last_top_logprobs"], values)


def check_greedy(name, expected):
    greedy = expected["greedy"]
    lines = [greedy["prompt"] + greedy["ids"][:i] for i in range(len(greedy["ids"]))]
    decided = 0
    for x, id, gap in zip(answers("logprobs", lines, model=os.path.join(GOLDEN, name)), greedy["ids"], greedy["gap"]):
        if gap > 1e-3:
            decided += 1
            check(x["last_top_ids"][0] == id, f"{name}: {x['last_top_ids'][0]} is likeliest, transformers {id}")
    check(decided > len(lines) // 2, name, decided)


def check_gradients(name, expected):
    gradients = expected["gradients"]
    for g, x in zip(gradients, answers("gradnorms", [g["ids"] for g in gradients], model=os.path.join(GOLDEN, name))):
        check(abs(x["loss"] - g["loss_f64"]) <= 1e-4, name, x["loss"], g["loss_f64"])
        check(set(x["grad_norms"]) == set(g["norms_f64"]), name, set(x["grad_norms"]) ^ set(g["norms_f64"]))
        for tensor, exact in g["norms_f64"].items():
            ours = x["grad_norms"][tensor]
            check(abs(ours - exact) <= 1e-3 * exact, f"{name}, {tensor}: {ours}, torch {exact}")


def add_cases(name):
    with open(os.path.join(GOLDEN, name, "expected.json"), encoding="utf-8") as f:
        expected = json.load(f)

    @case(f"{name}: log-probabilities, greedy tokens and gradients are those of transformers")
    def _(folder):
        check_logprobs(name, expected)
        check_greedy(name, expected)
        check_gradients(name, expected)


check(len(NAMES) >= 14, NAMES)
for model_name in NAMES:
    add_cases(model_name)


@case("the same bits on any number of threads and every kernel set")
def _(folder):
    ids = os.path.join(folder, "ids.jsonl")
    with open(ids, "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"ids": [(7 * i + 3 * i * i) % 96 for i in range(n)]}) + "\n" for n in (2, 128, 61))
    for what in "logprobs", "gradnorms":
        wanted = rulezero(what, "--model", QWEN3, ids).expect(OK).out
        check(wanted.count("\n") == 3, wanted)
        for cpu in kernels():
            for threads in 1, 3:
                check(rulezero(what, "--model", QWEN3, "--threads", threads, ids, cpu=cpu).expect(OK).out == wanted, what, cpu, threads)


@case("lines that are no question are refused, with their number; those before are answered")
def _(folder):
    for line, words in (('{"ids": [1, 2', ["not a JSON object"]), ('[1, 2]', ["not a JSON object"]), ('{"id": [1]}', ['"ids" is missing']),
                        ('{"ids": 7}', ['"ids" is no list']), ('{"ids": [1, 96]}', ["ids[1] is 96, must be 0..95"]), ('{"ids": [-1, 2]}', ["ids[0] is -1"]),
                        ('{"ids": [1.5, 2]}', ["ids[0] is no whole number"]), ('{"ids": [1, 2], "ids": [3, 4]}', ["duplicate"]),
                        ('{"ids": []}', ["0 ids", "128"]), (json.dumps({"ids": [1] * 129}), ["129 ids", "128"]), ('{"ids": [99999999999999999999]}', [""])):
        for what in "logprobs", "gradnorms":
            result = ask(what, [[1, 2, 3], "", line, [4, 5]], model=QWEN3).expect(DATA, "stdin:3", *words)
            result.sentence()
            check(result.out.count("\n") == 1, result)
    ask("gradnorms", [[1]], model=QWEN3).expect(DATA, "1 ids, must be 2..128")
    check(answers("logprobs", [[1]], model=QWEN3)[0]["logprobs"] == [], "one id")
    check(answers("logprobs", [], model=QWEN3) == [], "no line")


@case("numbers that overflow are named, not left out")
def _(folder):
    copy = os.path.join(folder, "copy")
    shutil.copytree(QWEN3, copy)
    with open(os.path.join(copy, "model.safetensors"), "r+b") as f:
        size, = struct.unpack("<Q", f.read(8))
        start, end = json.loads(f.read(size))["model.norm.weight"]["data_offsets"]
        f.seek(8 + size + start)
        f.write(struct.pack("<f", 3e38) * ((end - start) // 4))
    for lines, what, words in (([[1, 2, 3]], "logprobs", "the log-probability of token 1 is "), ([[1]], "logprobs", "after the last token the log-probability of id"),
                               ([[1, 2, 3]], "gradnorms", "the loss is ")):
        result = ask(what, lines, model=copy).expect(DATA, "stdin:1", words)
        result.sentence()
        check(not result.out, result)


@case("what is no model is refused")
def _(folder):
    rulezero("logprobs").expect(USAGE, "--model is missing").sentence()
    rulezero("gradnorms", "--model", os.path.join(folder, "none")).expect(IO, "none").sentence()
    for change, word in (({"hidden_act": "gelu"}, "hidden_act"), ({"model_type": "gpt2"}, "model_type is gpt2"), ({"head_dim": 18}, "q_proj"),
                         ({"rope_scaling": {"type": "yarn", "factor": 2.0}}, "yarn"), ({"num_hidden_layers": 3}, "model.layers.2"),
                         ({"vocab_size": 10000000, "hidden_size": 65536}, "embed_tokens")):
        copy = os.path.join(folder, "copy")
        shutil.copytree(QWEN3, copy, dirs_exist_ok=True)
        with open(os.path.join(QWEN3, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        with open(os.path.join(copy, "config.json"), "w", encoding="utf-8") as f:
            json.dump(dict(config, **change), f)
        rulezero("logprobs", "--model", copy).expect(DATA, word).sentence()


main(CORES)
