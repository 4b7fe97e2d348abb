"""Writes calculator-train.jsonl and calculator-held-out.jsonl, the problems of configs/own-data.yaml. Run it from the repository root, with the program built
(RULEZERO names another one).

The game: on this calculator only + and - work. Given two numbers and what must come out, say which key to press in which order. Every pair of
numbers gives a sum and a difference; a pair is shown in one of its orders, drawn by a fixed seed. The pairs come from `rulezero data make`: the
held-out ones are of its validation split, which the shipped base has not read (configs/quick-base.yaml)."""
import json
import os
import random
import subprocess
import sys

FOLDER = sys.argv[1] if len(sys.argv) > 1 else "data/examples"
BASE = ["numbers=2", "max_input=30", "max_value=60", "test_share=0.15", "validation_share=0.15"]  # as in configs/quick-base.yaml
FILES = {"train": "calculator-train.jsonl", "validation": "calculator-held-out.jsonl"}


def pairs(split):
    """All pairs of a split: many problems are drawn, and what matters is which numbers come."""
    words = [os.environ.get("RULEZERO", "build/rulezero"), "data", "make", "countdown", *BASE, f"split={split}", "--count", "20000", "--seed", "1", "-o", "-"]
    lines = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return sorted({tuple(sorted(json.loads(line)["meta"]["numbers"])) for line in lines})


draw = random.Random(1)
for split, name in FILES.items():
    problems = []
    for small, large in pairs(split):
        for result in (small + large, large - small):
            if not 1 <= result <= 60 or result in (small, large):
                continue
            have = draw.sample([small, large], 2)
            problems.append({"prompt": f"numbers {have[0]} {have[1]} target {result} ?", "answer": result, "meta": {"have": have, "reach": result},
                             "cluster": 100 * small + large})  # the two problems of a pair are not independent
    draw.shuffle(problems)
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(p) + "\n" for p in problems)
