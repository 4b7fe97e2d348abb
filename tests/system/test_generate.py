"""generate: what its lines say, that it is deterministic, where it stops, what it refuses, and that score reads it."""
import collections
import fractions
import math
import pty
import re

from common import *

with open("data/countdown/tokenizer.json", encoding="utf-8") as f:
    VOCAB = json.load(f)["model"]["vocab"]
WORDS = {i: w for w, i in VOCAB.items()}
PROMPT = "numbers 14 3 target 42 ?"
FIELDS = {"schema", "prompt", "completion", "group", "sample", "prompt_tokens", "n_tokens", "thinking_tokens", "answer_tokens", "truncated",
          "finish_reason", "prompt_ids", "completion_ids", "logprobs"}


def generate(*arguments, model=MODEL):
    result = rulezero("generate", "--model", model, "--json", *arguments).expect(OK)
    check(not result.err, result)
    return [json.loads(line) for line in result.out.splitlines()]


@case("a line says what was sampled, and its numbers agree with each other")
def _(folder):
    lines = generate("--prompt", PROMPT, "--samples", 40, "--max-new", 30)
    check(len(lines) == 40 and [x["sample"] for x in lines] == list(range(40)), lines[:2])
    reasons = collections.Counter()
    for x in lines:
        check(set(x) == FIELDS and x["schema"] == 1 and x["prompt"] == PROMPT, x)
        ids = x["completion_ids"]
        stopped = ids[-1] == VOCAB["<eos>"]
        reasons[x["finish_reason"]] += 1
        check(x["finish_reason"] == ("stop" if stopped else "length") and x["truncated"] != stopped, x)
        check(stopped or len(ids) == 30, x)
        text = [WORDS[i] for i in (ids[:-1] if stopped else ids)]
        check(x["completion"] == " ".join(text) and x["prompt_ids"] == [VOCAB[w] for w in PROMPT.split()], x)
        check(x["n_tokens"] == len(ids) == len(x["logprobs"]) and x["prompt_tokens"] == 6, x)
        thinking = text.index("</think>") + 1 if "</think>" in text else len(text) if "<think>" in text else 0
        check(x["thinking_tokens"] == thinking and x["answer_tokens"] == len(ids) - thinking, x)
        check(all(p <= 0 for p in x["logprobs"]), x)
    check(len(reasons) == 2, f"only {reasons}: the cases do not show both ends")


@case("tokens come as often as their probabilities say")
def _(folder):
    n = 3000
    for flags in [], ["--temperature", 0.7]:
        lines = generate("--prompt", PROMPT, "--samples", n, "--max-new", 1, *flags)
        seen, share = collections.Counter(), {}
        for x in lines:
            seen[x["completion_ids"][0]] += 1
            share[x["completion_ids"][0]] = math.exp(x["logprobs"][0])
        check(0.97 < sum(share.values()) < 1.0001, share)
        for i, p in share.items():
            check(abs(seen[i] / n - p) < 5 * math.sqrt(p * (1 - p) / n) + 1e-3, f"token {i}: {seen[i]} of {n}, probability {p}")
    likely = [i for i, _ in sorted(share.items(), key=lambda at: -at[1])]
    for flags, allowed in ((["--top-k", 2], likely[:2]), (["--temperature", 0], likely[:1]), (["--min-p", 1], likely[:1]),
                           (["--top-p", 1e-6], likely[:1])):
        found = {x["completion_ids"][0] for x in generate("--prompt", PROMPT, "--samples", 100, "--max-new", 1, *flags)}
        check(found == set(allowed), f"{flags}: {found}, expected {allowed}")


@case("the seed decides, and nothing else does")
def _(folder):
    path = os.path.join(folder, "prompts.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for p in PROMPT, "numbers 5 6 target 11 ?":
            f.write(json.dumps({"prompt": p}) + "\n")
    one = generate("--prompt", PROMPT, "--samples", 3)
    check(one == generate("--prompt", PROMPT, "--samples=3", "threads=2"), "not the same twice")
    check(one[:2] == generate("--prompt", PROMPT, "--samples", 2), "a sample depends on how many there are")
    both = generate("--prompts", path, "--samples", 3)
    check([x["group"] for x in both] == [0, 0, 0, 1, 1, 1] and both[:3] == one, "a prompt's completions depend on the others")
    other = generate("--prompt", PROMPT, "--samples", 3, "--seed", 2)
    check([x["completion"] for x in one] != [x["completion"] for x in other], "another seed, the same completions")
    fed = subprocess.run([BINARY, "generate", "--model", MODEL, "--json", "--samples", "3"], input=PROMPT + "\n", capture_output=True, text=True)
    check([json.loads(line) for line in fed.stdout.splitlines()] == one, fed)


@case("--speculative changes no completion, and the account tells what was drafted")
def _(folder):
    for flags in (["--temperature", 0], ["--temperature", 0.5, "--top-p", 0.9], ["--stop", "no wait", "--seed", 3], ["--samples", 3, "threads=2"]):
        plain = generate("--prompt", PROMPT, *flags)
        check(plain == generate("--prompt", PROMPT, "--speculative", *flags), flags)
    shown = subprocess.run([BINARY, "generate", "--model", MODEL, "--prompt", PROMPT, "--temperature=0", "--speculative"], capture_output=True, text=True)
    check(re.search(r" core-seconds, drafted \d+, accepted \d+$", shown.stderr, re.M), shown.stderr)


@case("--stop ends a completion at a token, which its text leaves out")
def _(folder):
    free = generate("--prompt", PROMPT, "--samples", 30)
    cut = generate("--prompt", PROMPT, "--samples", 30, "--stop", "yes", "--stop=no")
    stops = {VOCAB["yes"], VOCAB["no"], VOCAB["<eos>"]}
    for x, y in zip(free, cut):
        ids = x["completion_ids"]
        n = next(i + 1 for i, id in enumerate(ids) if id in stops)
        check(y["completion_ids"] == ids[:n] and y["finish_reason"] == "stop", (x, y))
        check(y["completion"] == " ".join(WORDS[i] for i in ids[:n - 1]), y)


@case("--stop ends a completion after a text, whatever words it is cut into, which its text keeps")
def _(folder):
    free = generate("--prompt", PROMPT, "--samples", 30)
    texts = "/ 1 =", "ff 1", "</answer>"  # words, parts of them, and one that is a token
    cut = generate("--prompt", PROMPT, "--samples", 30, "--stop", texts[0], "--stop", texts[1], "--stop", texts[2])
    ends = collections.Counter()
    for x, y in zip(free, cut):
        ids, n = x["completion_ids"], 1
        while n < len(ids) and not any(t in " ".join(WORDS[i] for i in ids[:n]) for t in texts):
            n += 1
        end = next((t for t in texts if t in " ".join(WORDS[i] for i in ids[:n])), None)
        ends[end] += 1
        check(y["completion_ids"] == ids[:n] and y["truncated"] == (x["truncated"] and not end), (x, y))
        check(y["completion"] == " ".join(WORDS[i] for i in ids[:n - (end == "</answer>" or ids[n - 1] == VOCAB["<eos>"])]), y)
    check(len(ends) >= 3, f"{ends}: the cases show nothing")


@case("a NUL that a model says is in the completion, and what follows it too")
def _(folder):
    golden = os.path.join(HERE, "..", "golden", "models", "qwen3")
    for name in "config.json", "model.safetensors":
        shutil.copy(os.path.join(golden, name), folder)
    words = {"\u0100": 0, "</think>": 1, "<think>": 2, **{chr(33 + i): 3 + i for i in range(93)}}  # \u0100: byte 0 in GPT-2's alphabet
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        bytes_of = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        json.dump({"added_tokens": [], "pre_tokenizer": bytes_of, "decoder": bytes_of, "model": {"type": "BPE", "vocab": words, "merges": []}}, f)
    texts = {i: "\0" if i == 0 else w for w, i in words.items()}
    thought = 0
    for x in generate("--prompt", "a", "--samples", 8, "--max-new", 100, "--temperature", 100, model=folder):
        ids = x["completion_ids"][:-1] if x["finish_reason"] == "stop" else x["completion_ids"]
        check(x["completion"] == "".join(texts[i] for i in ids), x)
        behind = 1 in ids and 0 in ids[:ids.index(1)]
        thought += behind
        check(not behind or x["thinking_tokens"] == ids.index(1) + 1, x)
    check(thought > 0, "no tag behind a NUL")


@case("--template surrounds the prompt")
def _(folder):
    x, = generate("--prompt", "14 3", "--template", "numbers {prompt} target 42 ?")
    y, = generate("--prompt", PROMPT)
    check(x.pop("input") == PROMPT and x.pop("prompt") == "14 3" and y.pop("prompt") == PROMPT and x == y, (x, y))


@case("examples and the beginning of the answer are read by the model; a special token in data is a word like any other")
def _(folder):
    examples, begin = {"prompt": "numbers 1 2 target 3 ?", "completion": " <think> 1 + 2 = 3 </think> <answer> 1 + 2 </answer> <eos>"}, "<think> "
    wanted = [VOCAB[w] for w in (examples["prompt"] + examples["completion"] + " " + PROMPT + " " + begin).split()]
    with open(f"{folder}/x.jsonl", "w", encoding="utf-8") as f:
        f.write(json.dumps(examples) + "\n")
    for given in json.dumps(examples), f"{folder}/x.jsonl":
        lines = generate("--prompt", PROMPT, "--template", "{prompt} ", "--examples", given, "--response-prefix", begin, "--samples", 5, "--max-new", 9)
        for x in lines:
            check(x["prompt_ids"] == wanted and x["prompt"] == PROMPT and x["input"].endswith(PROMPT + " " + begin), x)
            check(x["completion"].startswith(begin) and x["thinking_tokens"] > 0, x)
    check(generate("--prompt", PROMPT + " <eos>", "--max-new", 1)[0]["prompt_ids"][-1] == VOCAB["<eos>"], "typed as a whole")
    refused = rulezero("generate", "--model", MODEL, "--template", "{prompt} ", "--prompt", PROMPT + " <eos>", "--max-new", 1).expect(DATA)
    check('"<eos>" is not in the vocabulary' in refused.err, refused)
    check("brings no chat template" in rulezero("generate", "--model", MODEL, "--template", "chat", "--prompt", PROMPT).expect(CONFIG).err, "chat")
    check("says {prompt}" in rulezero("generate", "--model", MODEL, "--template", "Q", "--prompt", PROMPT).expect(USAGE).err, "template")


def right(completion, numbers, target):
    """The verifier in other words: one answer, every number once, exact."""
    answer = re.fullmatch(r"<think> .*[^ ].* </think> <answer> ([-0-9 +*/()]+) </answer>", completion)
    if not answer or completion.count("think>") != 2 or sorted(map(int, re.findall(r"\d+", answer[1]))) != sorted(numbers):
        return False
    try:
        return eval(re.sub(r"(\d+)", r"fractions.Fraction(\1)", answer[1])) == target
    except (SyntaxError, ZeroDivisionError, TypeError):
        return False


@case("generate --json | score: answers and meta go through")
def _(folder):
    prompts, completions = os.path.join(folder, "p.jsonl"), os.path.join(folder, "c.jsonl")
    problems = [([a, b], a + b if (a + b) % 2 else a * b) for a in range(2, 8) for b in range(9, 11)]
    with open(prompts, "w", encoding="utf-8") as f:
        for numbers, target in problems:
            f.write('{"prompt": "numbers %d %d target %d ?", "answer": %d.00, "meta": {"numbers": [%d, %d], "target": %d, "x": 1.50}}\n'
                    % (*numbers, target, target, *numbers, target))
    result = rulezero("generate", "--model", MODEL, "--json", "--prompts", prompts, "--samples", 16).expect(OK)
    with open(completions, "w", encoding="utf-8") as f:
        f.write(result.out)
    lines = lines_of(completions)
    check(all('"x": 1.50' in line or '"x":1.50' in line for line in result.out.splitlines()), "meta lost its digits")
    check(all(x["answer"] == "%d.00" % problems[x["group"]][1] for x in lines), lines[0])
    scored = rulezero("score", "--rules", "configs/rules/countdown.yaml", completions).expect(OK)
    verdicts = [json.loads(line)["correct"] for line in scored.out.splitlines()]
    mine = [right(x["completion"], *problems[x["group"]]) for x in lines]
    check(verdicts == mine, [x for x, a, b in zip(lines, verdicts, mine) if a != b])
    check(0 < sum(mine) < len(mine), f"{sum(mine)} of {len(mine)} right: the cases show nothing")


def on_terminal(term, *arguments, first=None):
    """What a terminal of this kind is sent: completions and counts. first: a list that gets what came with the first read."""
    leader, follower = pty.openpty()
    command = [BINARY, "generate", "--model", MODEL, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=follower, stderr=subprocess.PIPE, env=dict(os.environ, TERM=term))
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        if not shown and first is not None:
            first.append(part)
        shown += part
    err = process.stderr.read().decode()
    check(process.wait() == 0, err)
    os.close(leader)
    return shown.decode(), err


def dimmed(text, inside=False):
    """Thinking in escapes."""
    out, at = "", 0
    while at < len(text):
        if inside:
            end = text.find("</think>", at)
            end = end + 8 if end >= 0 else len(text)
            out += f"\x1b[2m{text[at:end]}\x1b[0m"
        else:
            end = text.find("<think>", at)
            end = end if end >= 0 else len(text)
            out += text[at:end]
        at, inside = end, not inside
    return out


COUNTS = r"prompt (\d+) tokens, thinking (\d+), answer (\d+)"


@case("a terminal shows thinking dimmed, then the counts")
def _(folder):
    words = "--prompt", PROMPT, "--samples", 30
    lines = generate(*words)
    dim, err = on_terminal("xterm", *words)
    plain, _ = on_terminal("dumb", *words)
    check(plain.split("\r\n")[:-1] == [x["completion"] for x in lines], plain)
    check(dim.split("\r\n")[:-1] == [dimmed(x["completion"]) for x in lines] and "\x1b[2m<think>" in dim, dim)
    counts = [tuple(map(int, m)) for m in re.findall(COUNTS, err)]
    check(counts == [(x["prompt_tokens"], x["thinking_tokens"], x["answer_tokens"]) for x in lines], err)
    thinking, answers = sum(x["thinking_tokens"] for x in lines), sum(x["answer_tokens"] for x in lines)
    check(f"in all: prompts 6 tokens, thinking {thinking}, answers {answers}\n" in err, err)
    check(re.search(r"^%d tokens in [0-9.]+ s, \d+ tokens/s, [0-9.]+ core-seconds$" % (thinking + answers), err, re.M), err)


@case("one completion streams on a terminal: the same text, in parts")
def _(folder):
    in_parts = 0
    for seed in range(1, 41):
        words = "--prompt", PROMPT, "--seed", seed, "--stop", "</answer>", "--stop", "ff 1", "--price-per-core-hour=36"
        x, = generate(*words)
        first = []
        shown, err = on_terminal("xterm", *words, first=first)
        check(shown == dimmed(x["completion"]) + "\r\n", (shown, x))
        check(re.findall(COUNTS, err) == [("6", str(x["thinking_tokens"]), str(x["answer_tokens"]))], err)
        told = re.search(r"^%d tokens in ([0-9.]+) s, \d+ tokens/s, ([0-9.]+) core-seconds, cost ([-0-9.e]+)$" % x["n_tokens"], err, re.M)
        check(told and abs(float(told[3]) - float(told[2]) / 100) < 1e-4, err)
        in_parts += len(first[0]) < len(shown) - 2
        if seed >= 8 and in_parts:  # on a loaded machine all may be there when it is looked for
            return
    check(False, "all of it came at once, 40 times")


@case("a prompt that begins to think: dimmed from the start")
def _(folder):
    words = "--prompt", PROMPT, "--template", "{prompt} <think>"
    x, = generate(*words)
    shown, _ = on_terminal("xterm", *words)
    check(shown == dimmed(x["completion"], True) + "\r\n" and shown.startswith("\x1b[2m"), shown)
    text = x["completion"].split()
    check(x["thinking_tokens"] == (text.index("</think>") + 1 if "</think>" in text else len(text)), x)


@case("what cannot be done is said in a sentence")
def _(folder):
    empty, broken = os.path.join(folder, "empty.jsonl"), os.path.join(folder, "broken.jsonl")
    with open(empty, "w"), open(broken, "w") as f:
        f.write('{"prompt": "numbers 14 3 target 42 ?"}\n{"prompt": "numbers 14 many target 42 ?"}\n')
    model = ["--model", MODEL]
    for arguments, status, words in (
            ([], USAGE, ["--model"]),
            (["--model", folder + "/none.h5", "--prompt", PROMPT], IO, ["none.h5"]),
            (["--model", "data/countdown/tokenizer.json", "--prompt", PROMPT], DATA, ["tokenizer.json"]),
            (model + ["--prompt", PROMPT, "--prompts", broken], USAGE, ["--prompts"]),
            (model + ["--prompt", "numbers fourteen"], DATA, ["fourteen", "vocabulary"]),
            (model + ["--prompt", ""], DATA, ["0 tokens"]),
            (model, DATA, ["0 tokens"]),  # an empty standard input
            (model + ["--prompt", "3 " * 400], DATA, ["400 tokens", "positions"]),
            (model + ["--prompts", broken], DATA, ["broken.jsonl", "prompt 2", "many"]),
            (model + ["--prompts", empty], DATA, ["empty.jsonl"]),
            (model + ["--prompts", folder + "/none.jsonl"], IO, ["none.jsonl"]),
            (model + ["--prompt", PROMPT, "--template", "no hole"], USAGE, ["{prompt}"]),
            (model + ["--prompt", PROMPT, "--stop", ""], USAGE, ["--stop is empty"]),
            (model + ["--prompt", PROMPT, "--top-p", 0], USAGE, ["top-p"]),
            (model + ["--prompt", PROMPT, "--max-new", 0], USAGE, ["max-new"]),
            (model + ["--prompt", PROMPT, "--temprature", 1], USAGE, ["--temperature"]),
            (model + ["--prompt"], USAGE, ["--prompt needs a value"]),
            (model + [PROMPT], USAGE, ["not understood"])):
        result = rulezero("generate", *arguments).expect(status, *words)
        result.sentence()
        check(not result.out, result)


main(2)
