"""tokenize: the texts and ids of the original (golden/data/make_bpe.py) from every kind of model, in order; and what it refuses."""
import select
import socket

from common import *

GGUF = "tests/golden/data/bpe.gguf"
QWEN3 = "tests/golden/models/qwen3"


def tokenize(rows, *flags, model):
    text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows)
    done = subprocess.run(command(["tokenize", "--model", model, *flags]), input=text, capture_output=True, text=True, timeout=180)
    return done.returncode, [json.loads(line) for line in done.stdout.split("\n")[:-1]], done.stderr


def original():
    """Name, tokenizer.json and cases of each kind."""
    bases = {}
    with open("tests/golden/data/bpe.jsonl", encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            if "tokenizer" in row:
                kind = row["tokenizer"], row["json"] | {"model": bases[row["base"]] | row["model"]}, []
                yield kind
            elif "base" in row:
                bases[row["base"]] = row["model"]
            else:
                kind[2].append(row)


@case("ids and texts are those of the original, line by line")
def _(folder):
    for name, tokenizer, cases in [k for k in list(original()) if k[0] in ("llama3", "llama2", "qwen2")]:
        os.makedirs(f"{folder}/{name}")
        path = f"{folder}/{name}/tokenizer.json"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(tokenizer, f)
        texts = [c for c in cases if "text" in c]
        for model in path, f"{folder}/{name}":
            status, out, err = tokenize([{"text": c["text"]} for c in texts], model=model)
            check(status == OK and not err and [o["ids"] for o in out] == [c["ids"] for c in texts], name, status, err)
        if "special" in texts[0]:
            status, out, err = tokenize([{"text": c["text"]} for c in texts], "--special", model=path)
            check([o["ids"] for o in out] == [c["special"] for c in texts], name, err)
        status, out, err = tokenize([{"ids": c["ids"]} for c in cases], "--decode", model=path)
        check(status == OK and [o["text"] for o in out] == [c["decoded_special"] for c in cases], name, err)


@case("GGUF and our own models have tokenizers too")
def _(folder):
    cases = [c for name, _, cases in original() if name == "smollm" for c in cases if "text" in c and "<" not in c["text"]]
    status, out, err = tokenize([{"text": c["text"]} for c in cases], model=GGUF)
    check(status == OK and [o["ids"] for o in out] == [c["ids"] for c in cases], err)
    status, out, err = tokenize(["", {"text": "3 + 5"}, {"text": ""}], model=MODEL)
    check(status == OK and [len(o["ids"]) for o in out] == [3, 0], out, err)
    status, out, err = tokenize(out, "--decode", model=MODEL)
    check(status == OK and out == [{"text": "3 + 5"}, {"text": ""}], out, err)


@case("what is wrong is told with its line, after the lines before it")
def _(folder):
    good = {"text": "a"}
    for rows, flags, says in (([good, "{"], [], "stdin:2: not a JSON object"), ([good, "[]"], [], "not a JSON object"),
                              ([good, {"ids": [1]}], [], '"text" is missing'), ([good, good, {"text": 1}], [], 'stdin:3: "text" is no text')):
        status, out, err = tokenize(rows, *flags, model=GGUF)
        check(status == DATA and len(out) == len(rows) - 1 and says in err, rows, out, err)
    for row, says in (({"ids": 1}, "is no list"), ({"ids": [1, -1]}, '"ids"[1] must be a whole number in 0..'), ({"ids": [10 ** 12]}, '"ids"[0]'), ({}, "missing")):
        status, out, err = tokenize([row], "--decode", model=GGUF)
        check(status == DATA and says in err, row, err)
    rulezero("tokenize").expect(USAGE, "--model").sentence()
    rulezero("tokenize", "--model", f"{folder}/none").expect(IO).sentence()
    rulezero("tokenize", "--model", folder).expect(IO, "tokenizer.json").sentence()
    rulezero("tokenize", "--model", GGUF, "--decode", "--special").expect(USAGE, "--special").sentence()


@case("a socket as the standard input; every line is answered before the next is asked")
def _(folder):
    for what, model, line in (["tokenize"], GGUF, {"text": "abc"}), (["logprobs"], QWEN3, {"ids": [1, 2]}):
        ours, its = socket.socketpair()
        process = subprocess.Popen(command([*what, "--model", model]), stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        its.close()
        answered = []
        while len(answered) < 2 and all(answered):
            ours.sendall((json.dumps(line) + "\n").encode())
            answered.append(bool(select.select([process.stdout], [], [], 60)[0]) and process.stdout.readline().startswith("{"))
        ours.close()
        out, err = process.communicate(timeout=60)
        check(process.returncode == OK and all(answered) and not out and not err, what, answered, out, err)


if __name__ == "__main__":
    main(workers=2)
