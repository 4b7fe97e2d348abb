#!/usr/bin/env python3
"""Does an exported model do as well in transformers? Samples completions of problems with it, has rulezero score them, and prints the shares of right ones by
kind with 95 % intervals, to be held against `rulezero eval` of the same problems.

    build/rulezero convert runs/smollm2-decimals/model.h5 exported
    build/rulezero data make decimals split=test --count 256 -o problems.jsonl
    python3 bench/transformers_sample.py exported problems.jsonl -o completions.jsonl --rules configs/rules/decimals.yaml --template 'User: {prompt}\\nAssistant:'

A line's field `input` (of `rulezero generate --json`) is the whole text that the model is given, less the response_prefix; without it the template is filled in with `prompt` (and `\\n` in it is a new line). The
completions are lines as `rulezero score` reads them. Needs torch and transformers; not part of ./check."""
import argparse
import collections
import json
import random
import subprocess
import sys

RESAMPLES = 2000


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", help="folder of a Hugging Face model")
    p.add_argument("problems", help="JSONL: prompt or input, answer, meta, cluster")
    p.add_argument("-o", "--out", required=True, help="JSONL of completions, to be made")
    p.add_argument("--template", default="{prompt}")
    p.add_argument("--prefix", default="", help="response_prefix of the config: given to the model, and part of the completion")
    p.add_argument("--samples", type=int, default=1)
    p.add_argument("--temperature", type=float, default=1.0)
    p.add_argument("--max-new", type=int, default=32)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--limit", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--stop", action="append", default=[], help="text that ends a completion, which keeps it")
    p.add_argument("--rules", help="rule file: score the completions and print the shares")
    p.add_argument("--rulezero", default="build/rulezero")
    return p.parse_args()


def read(path, limit):
    with open(path, encoding="utf-8") as f:
        problems = [json.loads(line) for line in f if line.strip()]
    return problems[:limit] if limit else problems


def text_of(problem, template):
    return problem["input"] if "input" in problem else template.replace("\\n", "\n").replace("{prompt}", problem["prompt"])


def sample(a, problems):
    """Yields (problem's number, completion, tokens, truncated), a batch of prompts of about one length at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    torch.manual_seed(a.seed)
    tokenizer = AutoTokenizer.from_pretrained(a.model, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32).eval()
    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends]) - {None}
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends, default=0)
    inputs = [tokenizer(text_of(p, a.template) + a.prefix, add_special_tokens=False).input_ids for p in problems]
    order = sorted((len(ids), i) for i, ids in enumerate(inputs) for _ in range(a.samples))
    how = dict(do_sample=True, temperature=a.temperature, top_k=0, top_p=1.0) if a.temperature else dict(do_sample=False)
    if a.stop:
        how.update(stop_strings=a.stop, tokenizer=tokenizer)
    for at in range(0, len(order), a.batch):
        batch = [i for _, i in order[at:at + a.batch]]
        width = max(len(inputs[i]) for i in batch)
        ids = torch.tensor([[pad] * (width - len(inputs[i])) + inputs[i] for i in batch])
        mask = torch.tensor([[0] * (width - len(inputs[i])) + [1] * len(inputs[i]) for i in batch])
        with torch.no_grad():
            made = model.generate(ids, attention_mask=mask, max_new_tokens=a.max_new, pad_token_id=pad, repetition_penalty=1.0, **how)[:, width:].tolist()
        for i, tokens in zip(batch, made):
            end = next((k for k, t in enumerate(tokens) if t in ends), None)
            text = tokenizer.decode(tokens if end is None else tokens[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            cuts = [text.index(s) + len(s) for s in a.stop if s in text]
            yield i, text[:min(cuts)] if cuts else text, len(tokens) if end is None else end + 1, end is None and not cuts and len(tokens) >= a.max_new
        print(f"{at + len(batch)} of {len(order)} completions", file=sys.stderr)


def interval(clusters, chance):
    """Ratio of sums over clusters, and the 2.5 and 97.5 percentile of it over resampled clusters."""
    pairs = list(clusters.values())
    total = lambda drawn: (sum(n for n, _ in drawn), sum(d for _, d in drawn))
    n, d = total(pairs)
    ratios = sorted(x / y for x, y in (total(chance.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES)) if y)
    return n / d if d else float("nan"), ratios[int(.025 * len(ratios))] if ratios else float("nan"), ratios[int(.975 * len(ratios))] if ratios else float("nan")


def print_shares(a, problems, numbers):
    told = subprocess.run([a.rulezero, "score", "--rules", a.rules, a.out], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = collections.defaultdict(lambda: collections.defaultdict(lambda: [0, 0]))
    for i, line in zip(numbers, told):
        score, cluster = json.loads(line), problems[i].get("cluster", -1 - i)
        kind = (problems[i].get("meta") or {}).get("kind")
        facts = {"accuracy": (score["correct"], 1), "format": (score["format_ok"], 1)}
        if kind:
            facts[f"accuracy/kind/{kind}"] = score["correct"], 1
            facts[f"accuracy/well_formed/{kind}"] = score["correct"] and score["format_ok"], int(score["format_ok"])
        for name, (n, d) in facts.items():
            rows[name][cluster][0] += n
            rows[name][cluster][1] += d
    chance = random.Random(a.seed)
    print(f"{len(problems)} problems, {a.samples} samples each at temperature {a.temperature:g}, {a.model} in transformers; 95% intervals")
    for name in sorted(rows):
        value, low, high = interval(rows[name], chance)
        print(f"  {name:<34} {100 * value:5.1f}%  [{100 * low:.1f}, {100 * high:.1f}]")


def main():
    a = arguments()
    problems = read(a.problems, a.limit)
    made = sorted(sample(a, problems), key=lambda x: x[0])
    with open(a.out, "w", encoding="utf-8") as f:
        for i, text, n, truncated in made:
            p = problems[i]
            line = {"completion": a.prefix + text, "prompt": p.get("prompt", ""), "answer": p.get("answer", ""), "meta": p.get("meta", {}), "n_tokens": n,
                    "truncated": truncated}
            f.write(json.dumps(line, ensure_ascii=False) + "\n")
    if a.rules:
        print_shares(a, problems, [i for i, *_ in made])


if __name__ == "__main__":
    main()
