#!/usr/bin/env python3
"""Trains the variants of the study in docs/results.md and writes its tables.

    python3 bench/study.py run [VARIANT …] [--seeds 1,2,3] [--out runs/study] [--ranks 2]
    python3 bench/study.py eval [VARIANT …] [--split validation|test] …
    python3 bench/study.py table [VARIANT …] …

A variant is the default job (configs/countdown.yaml) with changes. Variants that do not change the base take one that another variant of the same seed made, which must have run.
What is done already is not done again: the command may be stopped and repeated.
"""
import argparse
import glob
import json
import math
import os
import subprocess
import sys

CONFIG = "configs/countdown.yaml"
RULES = "configs/rules/countdown.yaml"
# The job as it was shipped when the single changes were studied: half as long again in both parts.
FORMER = ["pretrain.steps=4500", "pretrain.optimizer.learning_rate=3e-3", "pretrain.optimizer.min_lr_ratio=0.1", "steps=240", "prompts_per_step=16", "group_size=16"]
HALF = [*FORMER, "steps=120"]
# name: (what is changed, the assignments, whose base it takes). The single changes are compared with `half`, which takes half of the former job's steps.
VARIANTS = {
    "default": ("the shipped job", [], "default"),
    "random": ("reward by a coin (control)", ["reward=random"], "default"),
    "former": ("the former job", FORMER, "former"),
    "half": ("nothing", HALF, "former"),
    "std": ("advantages divided by the group's standard deviation", [*HALF, "advantage_std=group"], "former"),
    "mask": ("truncated completions not trained on", [*HALF, "truncated=mask"], "former"),
    "kl": ("KL to the base, coefficient 0.02", [*HALF, "kl.coef=0.02"], "former"),
    "dynamic": ("dynamic sampling", [*HALF, "dynamic_sampling=true"], "former"),
    "short": ("at most 160 new tokens", [*HALF, "rollout.max_new=160"], "former"),
    "repeats": ("corpus: writers repeat attempts", [*HALF, "corpus.repeat_attempts=true"], "repeats"),
}
# name: options of the problems, and of the sampling
EVALUATIONS = {
    "n3": (["numbers=[3]", "targets=deriv"], []),
    "n3 uniform": (["numbers=[3]", "targets=uniform"], []),
    "n4": (["numbers=[4]", "targets=deriv"], []),
    "n3 greedy": (["numbers=[3]", "targets=deriv"], ["--temperature", "0", "--samples", "1"]),
}


def mpirun(ranks, *arguments, **more):
    return subprocess.run(["mpirun", "-q", "-n", str(ranks), "--bind-to", "none", os.environ.get("RULEZERO", "build/rulezero"), *arguments], check=True, **more)


def folder(a, name, seed):
    return os.path.join(a.out, f"{name}-{seed}")


def base_of(a, name, seed):
    owner = VARIANTS[name][2]
    found = glob.glob(os.path.join(folder(a, owner, seed), "base-*", "model.h5"))
    if len(found) != 1:
        sys.exit(f"{folder(a, name, seed)}: no base yet: run {owner} first")
    return found[0]


def train(a, name, seed):
    out = folder(a, name, seed)
    if os.path.exists(os.path.join(out, "model.h5")):
        return
    _, changes, owner = VARIANTS[name]
    base = [] if owner == name else ["pretrain.steps=0", "model=" + base_of(a, name, seed)]
    print(f"{out} …", flush=True)
    os.makedirs(a.out, exist_ok=True)
    with open(out + ".log", "a") as log:
        mpirun(a.ranks, "train", CONFIG, f"seed={seed}", f"out={out}", *base, *changes, stdout=log, stderr=log)


def evaluate(a, name, seed):
    models = {"after": os.path.join(folder(a, name, seed), "model.h5")}
    if VARIANTS[name][2] == name:
        models["before"] = base_of(a, name, seed)
    for when, model in models.items():
        for what, (problems, sampling) in EVALUATIONS.items():
            if name != "default" and what != "n3":
                continue  # the table of changes shows no others
            to = os.path.join(folder(a, name, seed), f"eval-{a.split}-{when}-{what.replace(' ', '-')}.json")
            if os.path.exists(to):
                continue
            print(f"{to} …", flush=True)
            with open(to + ".part", "w") as f:
                mpirun(a.ranks, "eval", "--model", model, "--data", "countdown", "--rules", RULES, "--samples", "4", "--limit", "300", "--max-new", "256",
                       "--seed", "7", "--json", *sampling, f"split={a.split}", *problems, stdout=f)
            os.rename(to + ".part", to)


def result(a, name, seed, when, what):
    try:
        with open(os.path.join(folder(a, name, seed), f"eval-{a.split}-{when}-{what.replace(' ', '-')}.json")) as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def cost(a, name, seed):
    """Tokens sampled, tokens trained on, and seconds of the job's steps and of its base's."""
    sampled = trained = 0
    seconds = [0, 0]
    for k, path in enumerate([os.path.join(folder(a, name, seed), "metrics.jsonl"), os.path.join(os.path.dirname(base_of(a, name, seed)), "metrics.jsonl")]):
        with open(path) as f:
            for line in f:
                m = json.loads(line)
                seconds[k] += m["time/step_s"]
                if k == 0:
                    sampled += m["tokens/sampled"]
                    trained += m["tokens/trained"]
    return sampled, trained, seconds[0], seconds[1]


def share(r, name="accuracy"):
    return f"{100 * r[name]:.1f} % [{100 * r[name + '_low']:.1f}, {100 * r[name + '_high']:.1f}]"


def spread(values):
    """Mean and 95 % interval of Student's t over seeds."""
    t = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
    n, mean = len(values), sum(values) / len(values)
    if n < 2:
        return mean, float("nan")
    return mean, t[n] * math.sqrt(sum((x - mean) ** 2 for x in values) / (n - 1) / n)


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def head(*cells):
    row(*cells)
    print("|" + "---|" * len(cells))


def table_of_seeds(a, seeds):
    head("seed", "before", "after", "uniform targets", "four numbers", "greedy", "attempts", "self-checks", "equations right", "length", "truncated", "tokens sampled")
    for seed in seeds:
        before, after = result(a, "default", seed, "before", "n3"), result(a, "default", seed, "after", "n3")
        both = {w: (result(a, "default", seed, "before", w), result(a, "default", seed, "after", w)) for w in ("n3 uniform", "n4", "n3 greedy")}
        row(seed, share(before), share(after), *(f"{100 * x['accuracy']:.1f} → {share(y)}" for x, y in both.values()),
            *(f"{before[k]:.1f} → {after[k]:.1f}" for k in ("trace/attempts", "trace/self_checks")),
            f"{100 * before['trace/equations_right']:.1f} → {100 * after['trace/equations_right']:.1f} %", f"{before['mean_length']:.0f} → {after['mean_length']:.0f}",
            f"{100 * after['truncated']:.1f} %", f"{cost(a, 'default', seed)[0] / 1e6:.2f} M")
    print()


def table_of_variants(a, names, seeds):
    head("change", "each seed", "mean", "against half", "attempts", "self-checks", "equations right", "length", "truncated", "sampled", "trained on")
    for name in names:
        r = [result(a, name, s, "after", "n3") for s in seeds]
        if None in r:
            continue
        c = [cost(a, name, s) for s in seeds]
        accuracy = [100 * x["accuracy"] for x in r]
        against = ""
        half = [result(a, "half", s, "after", "n3") for s in seeds]
        change = [100 * (x["accuracy"] - h["accuracy"]) for x, h in zip(r, half) if h]
        if name not in ("default", "random", "former", "half") and len(change) == len(seeds):
            against = "{:+.1f} ± {:.1f}".format(*spread(change))
        mean = {k: sum(x[k] for x in r) / len(r) for k in ("trace/attempts", "trace/self_checks", "trace/equations_right", "mean_length", "truncated")}
        row(VARIANTS[name][0], " ".join(f"{x:.1f}" for x in accuracy), f"{sum(accuracy) / len(accuracy):.1f} %", against, f"{mean['trace/attempts']:.1f}",
            f"{mean['trace/self_checks']:.1f}", f"{100 * mean['trace/equations_right']:.1f} %", f"{mean['mean_length']:.0f}", f"{100 * mean['truncated']:.1f} %",
            f"{sum(x[0] for x in c) / len(c) / 1e6:.1f} M", f"{sum(x[1] for x in c) / len(c) / 1e6:.1f} M")
    print()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["run", "eval", "table"])
    p.add_argument("variants", nargs="*", help=", ".join(VARIANTS))
    p.add_argument("--seeds", default="1,2,3")
    p.add_argument("--out", default="runs/study")
    p.add_argument("--ranks", type=int, default=os.cpu_count())
    p.add_argument("--split", default="validation", choices=["validation", "test"])
    a = p.parse_args()
    for name in a.variants:
        if name not in VARIANTS:
            p.error(f"there is no variant {name}; there are {', '.join(VARIANTS)}")
    names, seeds = a.variants or list(VARIANTS), a.seeds.split(",")
    if a.what == "table":
        if "default" in names:
            table_of_seeds(a, seeds)
        table_of_variants(a, names, seeds)
        return
    for name in names:
        for seed in seeds:
            {"run": train, "eval": evaluate}[a.what](a, name, seed)


if __name__ == "__main__":
    main()
