#!/usr/bin/env python3
"""How speed grows with the batch, the context, the model and the ranks, and the model that explains it (docs/performance.md):

    bench/growth.py --record FILE [batch context model ranks]   measures (all of them), adds to FILE
    bench/growth.py --draw FILE...                              fits, prints a table of measured and predicted, writes docs/growth-*.svg

Work costs what its parts cost: matrix products and attention at the speed of registers, weights and the keys and values of sampled tokens at that of memory (both measured
beside each point by `rulezero bench --json`), something a row and something a call; a constant each, fitted to all points of one kind of work at once, by least squares of the relative
error, none below 0: how many times what the hardware would need. Several ranks: a part s of the work is not shared out, and
each rank more costs r of the time."""
import glob
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, f"{ROOT}/bench")
sys.dont_write_bytecode = True
import svg
from measure import BINARY, call
from rows import SHAPES, parts

# what grows, its values, the works: name, command for a value
DECODE, TRAIN, GRPO = "decode", "train", "grpo"
PLANS = {
    "batch": ("sequences at a time, small, 16 + 64 tokens each", (1, 2, 4, 8, 16, 32, 64, 128), {
        DECODE: lambda n: dict(shape="small", batch=n, prompt=16, new=64), TRAIN: lambda n: dict(shape="small", batch=n, seq=80)}),
    "context": ("tokens of a sequence, small (train: 8,192 in all; decode: 8 x the last 64)", (128, 256, 512, 1024, 2048, 4096, 8192), {
        DECODE: lambda n: dict(shape="small", batch=8, prompt=n - 64, new=64), TRAIN: lambda n: dict(shape="small", batch=8192 // n, seq=n)}),
    "model": ("parameters (decode: 8 x (16 + 16) tokens, train: 4 x 64)", tuple(SHAPES), {
        DECODE: lambda s: dict(shape=s, batch=8, prompt=16, new=16), TRAIN: lambda s: dict(shape=s, batch=4, seq=64)}),
    "ranks": ("ranks on two cores, 16 x 16 completions in the default job's shape", (1, 2, 3, 4), {
        GRPO: lambda n: {"shape": "countdown", "batch": 256, "group": 16, "prompt": 16, "new": 96, "gradient-shards": 4}}),
}


def measure(plan, record):
    label, values, works = PLANS[plan]
    for value in values:
        for work, flags in works.items():
            ranks = value if plan == "ranks" else 1
            words = [BINARY, "bench", work, *(w for key, x in flags(value).items() for w in (f"--{key}", str(x))), "--plain", "--seconds", "1", "--json"]
            words = (["mpirun", "-q", "-n", str(ranks), "--oversubscribe", "--bind-to", "none"] if ranks > 1 else []) + words
            out, _, _ = call(words, sorted(os.sched_getaffinity(0))[-ranks:])
            found = json.loads(out)
            print(f"{plan} {value} {work}: {found['tokens_per_s']:,.1f} tokens/s", file=sys.stderr, flush=True)
            print(json.dumps({"plan": plan, "value": value, "found": found}), file=record, flush=True)


# ---- the model ----

def last_cache():
    """Bytes of the largest cache."""
    sizes = [open(path).read().strip() for path in glob.glob("/sys/devices/system/cpu/cpu0/cache/index*/size")]
    return max((int(size[:-1]) * {"K": 1024, "M": 1024 ** 2}[size[-1]] for size in sizes), default=0)


CACHE = last_cache()
NAMES = {DECODE: ("products or weights", "weights", "attention of prompts", "keys and values", "rows", "calls"), TRAIN: ("products", "update", "attention", "rows", "calls")}


def terms(f):
    """What each constant is multiplied with, in seconds or in counts."""
    V, D, F, L, H, G, E = SHAPES[f["model"]]
    layers, head, pair = parts(f["model"])
    flop, memory = 1e-9 / f["peak_gflops"], 1e-9 / f["read_gb_s"]
    if f["work"] == DECODE:
        far = f["weight_bytes"] * memory if f["weight_bytes"] > CACHE else 0  # what no cache holds
        batch, prompt, new = f["batch"], f["prompt"], f["new"]
        prompts, step = 2 * batch * (prompt - 1) * layers * flop, max(2 * batch * (layers + head) * flop, f["weight_bytes"] * memory)
        keys = new * prompt + new * (new - 1) / 2  # that the sampled tokens of a sequence see, each read from memory
        return [prompts + new * step, (new + 1) * far, 4 * batch * pair * prompt * prompt / 2 * flop,
                batch * keys * 8 * L * G * E * memory, batch * (prompt + new) * L * D, new * L]
    rows = f["batch"] * f["seq"]
    return [rows * (6 * layers + 8 * head) * flop, f["weight_bytes"] * memory, 14 * f["batch"] * pair * f["seq"] * (f["seq"] + 1) / 2 * flop,
            rows * L * D, f["batch"] * L]


def fit(points):
    """Constants that bring Σ (predicted / measured − 1)² to its least, one after the other until nothing moves; the first at least 1, the others 0."""
    rows = [[x / f["seconds"] for x in terms(f)] for f in points]
    constants = [0.0] * len(rows[0])
    for _ in range(20000):
        for j in range(len(constants)):
            rest = [1 - sum(c * x for k, (c, x) in enumerate(zip(constants, row)) if k != j) for row in rows]
            square = sum(row[j] ** 2 for row in rows)
            constants[j] = max(float(j == 0), sum(row[j] * r for row, r in zip(rows, rest)) / square) if square else 0.0
    return constants


def fit_ranks(points):
    """seconds(n) = seconds(1) · ((s + (1 − s) / min(n, cores)) + r · (n − 1)): [s, r] of the least relative error, from a grid."""
    cores, one = os.cpu_count(), next(f["seconds"] for f in points if f["ranks"] == 1)
    predict = (lambda n, s, r: one * (s + (1 - s) / min(n, cores) + r * (n - 1)))
    s, r = min(((s / 500, r / 500) for s in range(100) for r in range(100)),
               key=lambda x: sum((predict(f["ranks"], *x) / f["seconds"] - 1) ** 2 for f in points))
    return {f["ranks"]: predict(f["ranks"], s, r) for f in points}, (s, r)


# ---- the report ----

def draw(paths):
    entries, best = {}, {}
    for path in paths:
        for text in open(path):
            e = json.loads(text)
            key = (e["plan"], e["value"], e["found"]["work"])
            entries[key] = e if key not in entries or e["found"]["seconds"] < entries[key]["found"]["seconds"] else entries[key]
            for name in ("peak_gflops", "read_gb_s"):  # of one rank with one model: as fast as it ever was
                best[e["found"]["model"], e["found"]["ranks"], name] = max(best.get((e["found"]["model"], e["found"]["ranks"], name), 0), e["found"][name])
    for e in entries.values():
        e["found"].update({name: best[e["found"]["model"], e["found"]["ranks"], name] for name in ("peak_gflops", "read_gb_s")})
    worst = 0
    constants = {}
    for work in (DECODE, TRAIN):
        points = [e["found"] for (_, _, w), e in entries.items() if w == work]
        constants[work] = fit(points)
        print(f"{work}: " + ", ".join(f"{name} = {value:.3g}" for name, value in zip(NAMES[work], constants[work])))
    ranks, found = fit_ranks([e["found"] for (plan, _, _), e in entries.items() if plan == "ranks"])
    print(f"ranks: s = {found[0]:.3f}, r = {found[1]:.3f}")
    print("\n| grows | value | work | measured tokens/s | predicted | of it |\n|---|---|---|---|---|---|")
    for plan, (label, values, works) in PLANS.items():
        series = []
        for work in works:
            points = []
            for value in values:
                f = entries[plan, value, work]["found"]
                seconds = ranks[value] if plan == "ranks" else sum(c * x for c, x in zip(constants[work], terms(f)))
                x = f["parameters"] if plan == "model" else value
                points.append((x, f["tokens"] / f["seconds"], f["tokens"] / seconds))
                ratio = f["seconds"] / seconds
                worst = max(worst, abs(ratio - 1))
                print(f"| {plan} | {x:,} | {work} | {points[-1][1]:,.1f} | {points[-1][2]:,.1f} | {100 * ratio:.0f} % |")
            series.append((work, points))
        with open(f"{ROOT}/docs/growth-{plan}.svg", "w") as out:
            out.write(svg.growth("tokens/s, measured (dots) and predicted", label, series))
    print(f"\nworst error: {100 * worst:.0f} %")
    return 0 if worst <= 0.2 else 1


def main(words):
    os.chdir(ROOT)
    if words[:1] == ["--draw"] and words[1:]:
        return draw(words[1:])
    if words[:1] == ["--record"] and words[1:] and set(words[2:]) <= set(PLANS):
        with open(words[1], "a") as record:
            for plan in words[2:] or PLANS:
                measure(plan, record)
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
