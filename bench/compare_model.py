#!/usr/bin/env python3
"""A model's log-probabilities, likeliest next ids and greedy continuation by rulezero against those recorded elsewhere.

    python3 bench/compare_model.py MODEL REFERENCE.json [--tolerance 1e-4] [--threads N]

REFERENCE.json: a list of {"ids": [...], "logprobs": [... one fewer ...], "last_top_ids": [...], "last_top_logprobs": [...], "greedy_24": [...]}, natural
logarithms; "logprobs_f32" and "logprobs_f64", where both are there, widen the tolerance to 4 times their difference. "grad_norms", where they are
there, must agree to 1e-3. bench/make_reference.py writes all of it. Exit status 1 if something disagrees."""
import argparse
import json
import os
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("reference")
parser.add_argument("--tolerance", type=float, default=1e-4)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
program = os.environ.get("RULEZERO", "build/rulezero")


def ask(what, lines):
    text = "".join(json.dumps({"ids": x}) + "\n" for x in lines)
    run = subprocess.run([program, what, "--model", args.model, "--threads", str(args.threads)], input=text, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr.strip())
    return [json.loads(x) for x in run.stdout.splitlines()]


with open(args.reference, encoding="utf-8") as f:
    reference = json.load(f)
bad = worst = tokens = decided = undecided = 0
lines, owners = [], []
for i, r in enumerate(reference):
    lines.append(r["ids"])
    owners.append((i, None))
    for j in range(len(r.get("greedy_24", []))):
        lines.append(r["ids"] + r["greedy_24"][:j])
        owners.append((i, j))
for (i, j), x in zip(owners, ask("logprobs", lines)):
    r = reference[i]
    if j is not None:  # greedy: only where the two likeliest are further apart than 1e-3
        gap = x["last_top_logprobs"][0] - x["last_top_logprobs"][1]
        if gap <= 1e-3:
            undecided += 1
            continue
        decided += 1
        if x["last_top_ids"][0] != r["greedy_24"][j]:
            bad += 1
            print(f"text {i}, greedy token {j}: {x['last_top_ids'][0]}, reference {r['greedy_24'][j]} (gap {gap:.2g})")
        continue
    narrow, wide = r.get("logprobs_f32"), r.get("logprobs_f64")
    exact = wide or r["logprobs"]
    for k, (ours, theirs) in enumerate(zip(x["logprobs"] + x["last_top_logprobs"], exact + r.get("last_top_logprobs", []))):
        limit = args.tolerance
        if narrow and wide and k < len(wide):
            limit = max(limit, 4 * abs(narrow[k] - wide[k]))
        worst, tokens = max(worst, abs(ours - theirs)), tokens + 1
        if abs(ours - theirs) > limit:
            bad += 1
            print(f"text {i}, {'token ' + str(k + 1) if k < len(exact) else 'likely id ' + str(k - len(exact))}: {ours}, reference {theirs}")
    if x["last_top_ids"][:len(r.get("last_top_ids", []))] != r.get("last_top_ids", []):
        print(f"text {i}: likeliest ids {x['last_top_ids']}, reference {r['last_top_ids']}")
        bad += 1
graded = [r for r in reference if "grad_norms" in r]
worst_gradient = 0
for r, x in zip(graded, ask("gradnorms", [r["ids"] for r in graded]) if graded else []):
    for name in r["grad_norms"].keys() | x["grad_norms"].keys():
        ours, theirs = x["grad_norms"].get(name, 0), r["grad_norms"].get(name, 0)
        error = abs(ours - theirs) / (theirs or 1)
        worst_gradient = max(worst_gradient, error)
        if error > 1e-3:
            bad += 1
            print(f"gradient of {name}: {ours}, reference {theirs}")
if graded:
    print(f"gradients of {len(graded)} texts, the worst norm off by {worst_gradient:.3g} of itself")
print(f"{tokens} log-probabilities, the worst off by {worst:.3g}; {decided} greedy tokens compared, {undecided} too close to tell; {bad} disagreements")
sys.exit(1 if bad else 0)
