#!/usr/bin/env python3
"""What saving checkpoints took of a run, by its own metrics.

    python3 bench/saving.py RUN [--cores N] [--seconds 60]

RUN is a run directory, or a base's in it. For each stage: how long a checkpoint stopped training (time/io_s; waiting for the one before is in it, so let that be done), and the processor
time of the thread that wrote it (time/save_cpu_s); then the share of the wall time of N busy cores that one checkpoint each `--seconds` (checkpoint.seconds) takes: all N stand still while
it is copied, and the thread works on one of them. A large model without its training, 134.6 million parameters on two ranks:

    mpirun -n 2 build/rulezero train configs/countdown.yaml out=runs/saving arch.hidden_size=576 arch.intermediate_size=1536 arch.num_hidden_layers=38 \\
        arch.num_attention_heads=9 arch.num_key_value_heads=3 arch.head_dim=64 pretrain.steps=20 pretrain.documents_per_step=2 steps=1 prompts_per_step=1 group_size=2 \\
        minibatches=1 rollout.max_new=8 eval.problems=0 checkpoint.seconds=0 checkpoint.every=4
"""
import argparse
import glob
import json
import os

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("run")
parser.add_argument("--cores", type=int, default=os.cpu_count())
parser.add_argument("--seconds", type=float, default=60)
args = parser.parse_args()

for path in [f"{args.run}/metrics.jsonl", *glob.glob(f"{args.run}/base-*/metrics.jsonl")]:
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(x) for x in f]
    saves = [m for m in lines if m["time/save_s"]]
    if not saves:
        print(f"{path}: no checkpoint beside the training in {len(lines)} steps")
        continue
    stopped = [m["time/io_s"] for m in lines]
    each = {"stopped": sum(stopped) / len(saves), "thread": sum(m["time/save_cpu_s"] for m in saves) / len(saves), "written in": sum(m["time/save_s"] for m in saves) / len(saves)}
    share = (each["stopped"] + each["thread"] / args.cores) / args.seconds
    print(f"{path}: {len(saves)} checkpoints in {len(lines)} steps and {lines[-1]['time/elapsed_s']:.0f} s; each: training stopped {each['stopped']:.3f} s (longest {max(stopped):.3f}), "
          f"{each['thread']:.3f} s of processor time beside it, written in {each['written in']:.2f} s; one each {args.seconds:g} s on {args.cores} cores: {100 * share:.2f} % of wall time")
