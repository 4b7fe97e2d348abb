"""Our tokenizer against Hugging Face's `tokenizers` package on generated texts, both ways, and the speed of both on one thread.

    python bench/compare_tokenizers.py TOKENIZER.json|MODEL.gguf [--count 1000000] [--seed 1] [--chunk 50000]

Needs the package `tokenizers` (and `gguf` for a GGUF file, of which the package's tokenizer is then built anew: byte pairs, single digits, GPT-2's words,
as SmolLM2's own tokenizer.json has it). Not part of ./check. Exits 1 when anything differs, and prints the first few."""
import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read when the package is first used

import tokenizers  # noqa: E402

RANGES = [(0x20, 0x7E)] * 6 + [(0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xFFF), (0x1100, 0x11FF),
                               (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x23FF), (0x2500, 0x27BF), (0x3000, 0x30FF), (0x3400, 0x9FFF),
                               (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xE000, 0xFFFD), (0x10000, 0x1FFFF), (0x1F300, 0x1FAFF), (0x20000, 0x323AF),
                               (0xE0000, 0xE01EF), (0x1, 0x10FFFF), (0x1, 0x1F)]
WORDS = """the of and to in is that for it was on are as with they be at one have this from or had by hot but some what there we can out other were all your when
use word how said an each she which do their time if will way about many then them would write like so these her long make thing see him two has look more day could
go come did my sound no most number who over know water than call first people may down side been now find any new work part take get place made live where after back
little only round man year came show every good me give our under name very through just form much great think say help low line before turn cause same mean differ
move right boy old too does tell sentence set three want air well also play small end put home read hand port large spell add even land here must big high such
Zeit für Grüße été naïve coöperate Straße être niño você ação škola žluťoučký łódź İstanbul Ελλάδα λόγος Привет мир как дела שלום עולם مرحبا بالعالم नमस्ते दुनिया
สวัสดีชาวโลก 你好世界 機器學習 こんにちは カタカナ 안녕하세요 ქართული Հայերեն""".split()
CODE = ["def f(x):\n    return x ** 2\n", "for (int i = 0; i < n; i++) {\n\ta[i] += b[i];\n}\n", "#include <stdio.h>\n", "SELECT * FROM t WHERE id >= 10;", "x = {'a': [1, 2, 3]}",
        "https://example.org/a/b?c=d&e=f#g", "<div class=\"x\">&nbsp;</div>", "\\frac{a}{b} \\leq \\sum_{i=1}^{n} x_i", "if __name__ == '__main__':", "0x7fffFFFF", "1e-9",
        "3.14159", "127.0.0.1", "#### 42", "a_b_c", "camelCaseWord", "SCREAMING_SNAKE", "$1,234.56", "50%", "C++", "f(x)=x²+½"]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\t\t", " \n", "\n ", "\u00a0", "\u3000", "\u2003", "\u200b", "\u180e", "\u0085", "\v", "\f", "        "]
MARKS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "\u2019s", "'\u017f", "...", "!!!", "?!", "\u2026", "\u2014", "--", "==", "\u00ab", "\u00bb", "\u0301", "\u0327\u0301", "e\u0301",
         "\u1100\u1161\u11a8", "\u212b", "\ufb01", "\u2460", "\uff13\uff0e\uff11", "\u0663", "\u0967", "\u216b", "\u00bd", "\U0001d7d8"]
EMOJI = ["\U0001f600", "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3", "\U0001fae0", "\u263a"]


def character(draw):
    while True:
        c = draw.randint(*draw.choice(RANGES))
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def piece(draw, special):
    kind = draw.random()
    if kind < 0.40:
        return draw.choice(("", " ")) + draw.choice(WORDS)
    if kind < 0.50:
        return draw.choice(SPACES) * draw.choice((1, 1, 1, 2, 5, 17))
    if kind < 0.60:
        return str(draw.randint(0, 10 ** draw.randint(1, 18)))
    if kind < 0.68:
        return draw.choice(MARKS)
    if kind < 0.73:
        return draw.choice(CODE)
    if kind < 0.78:
        return draw.choice(EMOJI)
    if kind < 0.82:
        token = draw.choice(special) if special else ""
        return token if draw.random() < 0.7 else token[: draw.randint(0, len(token))]
    if kind < 0.86:
        return draw.choice("abcxyzAEIOU01 .,-_=#é中") * draw.randint(1, 60)
    if kind < 0.93:
        low, high = draw.choice(RANGES)
        return "".join(chr(c) for c in (draw.randint(low, high) for _ in range(draw.randint(1, 12))) if not 0xD800 <= c <= 0xDFFF)
    return "".join(character(draw) for _ in range(draw.randint(1, 8)))


def text(draw, special):
    return "".join(piece(draw, special) for _ in range(draw.randint(0, 24)))


def from_gguf(path):
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    fields = GGUFReader(path).fields

    def texts(key):
        return [bytes(fields[key].parts[i]).decode() for i in fields[key].data]
    if bytes(fields["tokenizer.ggml.pre"].parts[fields["tokenizer.ggml.pre"].data[0]]) != b"smollm":
        sys.exit("of GGUF files only those with tokenizer.ggml.pre=smollm can be built anew here")
    tokens = texts("tokenizer.ggml.tokens")
    types = [int(fields["tokenizer.ggml.token_type"].parts[i][0]) for i in fields["tokenizer.ggml.token_type"].data]
    unknown = fields.get("tokenizer.ggml.unknown_token_id")
    unknown = tokens[int(unknown.parts[unknown.data[0]][0])] if unknown else None
    made = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, [tuple(m.split(" ")) for m in texts("tokenizer.ggml.merges")], unk_token=unknown))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(t, normalized=False, special=True) for t, k in zip(tokens, types) if k == 3])
    return made


class Ours:
    """build/rulezero as a child; its processor time is what we are measured by, JSON in and out included."""

    def __init__(self, program, model):
        self.command = [program, "tokenize", "--model", model]
        self.seconds = {"encode": 0.0, "decode": 0.0}
        self.loading = min(self.time([])[1] for _ in range(3))

    def time(self, rows, *flags):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(self.command + list(flags), input="".join(json.dumps(r) + "\n" for r in rows), capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def encode(self, texts):
        out, seconds = self.time([{"text": t} for t in texts])
        self.seconds["encode"] += seconds - self.loading
        return [json.loads(line)["ids"] for line in out.split("\n")[:-1]]

    def decode(self, lists):
        out, seconds = self.time([{"ids": ids} for ids in lists], "--decode")
        self.seconds["decode"] += seconds - self.loading
        return [json.loads(line)["text"] for line in out.split("\n")[:-1]]


def alone(o, theirs, texts):
    """Encoding and decoding with nothing around it, by processor time: what, unit, ours, theirs."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.writelines(json.dumps({"text": t}) + "\n" for t in texts)
        f.flush()
        mine = json.loads(subprocess.run([f"{o.build}/bench/bench_tokenizer", o.model, f.name], capture_output=True, check=True).stdout)
    start = time.process_time()
    ids = [e.ids for e in theirs.encode_batch_fast(texts, add_special_tokens=False)]
    middle = time.process_time()
    theirs.decode_batch(ids, skip_special_tokens=False)
    end = time.process_time()
    return (("encode", "MB/s", mine["encode_mb_per_s"], sum(len(t.encode()) for t in texts) / (middle - start) / 1e6),
            ("decode", "million ids/s", mine["decode_million_ids_per_s"], sum(map(len, ids)) / (end - middle) / 1e6))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("model")
    options.add_argument("--count", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--chunk", type=int, default=50_000)
    options.add_argument("--build", default="build")
    o = options.parse_args()
    theirs = from_gguf(o.model) if o.model.endswith(".gguf") else tokenizers.Tokenizer.from_file(o.model)
    special = [t.content for t in theirs.get_added_tokens_decoder().values()]
    known = sorted(theirs.get_vocab().values())
    ours, draw, speed = Ours(f"{o.build}/rulezero", o.model), random.Random(o.seed), None
    seconds, n_bytes, n_ids, differ, done = {"encode": 0.0, "decode": 0.0}, 0, 0, {"encode": 0, "decode": 0}, 0
    while done < o.count:
        texts = [text(draw, special) for _ in range(min(o.chunk, o.count - done))]
        start = time.process_time()
        wanted = [e.ids for e in theirs.encode_batch_fast(texts, add_special_tokens=False)]
        seconds["encode"] += time.process_time() - start
        got = ours.encode(texts)
        # ids as they come from texts, and for one in four ids at random: bytes that are no UTF-8
        lists = [ids if draw.random() < 0.75 else draw.choices(known, k=len(ids)) for ids in wanted]
        start = time.process_time()
        wanted_texts = theirs.decode_batch(lists, skip_special_tokens=False)
        seconds["decode"] += time.process_time() - start
        got_texts = ours.decode(lists)
        for what, given, right, found in (("encode", texts, wanted, got), ("decode", lists, wanted_texts, got_texts)):
            bad = [i for i in range(len(texts)) if len(found) != len(right) or found[i] != right[i]]
            for i in bad[: max(0, 5 - differ[what])]:
                print(f"{what} differs\n  of     {given[i]!a}\n  theirs {right[i]!a}\n  ours   {found[i]!a}", flush=True)
            differ[what] += len(bad)
        speed = speed or alone(o, theirs, texts)
        done += len(texts)
        n_bytes += sum(len(t.encode()) for t in texts)
        n_ids += sum(map(len, lists))
        print(f"{done} texts, {differ['encode']} encoded and {differ['decode']} decoded otherwise", file=sys.stderr, flush=True)
    print(f"{o.model.rsplit('/', 1)[-1]}: {done} texts of {n_bytes / done:.0f} bytes on average, seed {o.seed}; tokenizers {tokenizers.__version__}")
    print(f"  encoded otherwise: {differ['encode']}; decoded otherwise: {differ['decode']}")
    print(f"  by the command, JSON in and out included: encode {n_bytes / ours.seconds['encode'] / 1e6:.2f} MB/s, decode {n_ids / ours.seconds['decode'] / 1e6:.2f} "
          f"million ids/s; tokenizers without: {n_bytes / seconds['encode'] / 1e6:.2f} MB/s, {n_ids / seconds['decode'] / 1e6:.2f} million ids/s")
    for what, unit, mine, other in speed:
        print(f"  {what}, alone, one thread, {min(o.chunk, o.count)} of the texts: ours {mine:.2f} {unit}, tokenizers {other:.2f} {unit}: {mine / other:.1f} times")
    return 1 if any(differ.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
