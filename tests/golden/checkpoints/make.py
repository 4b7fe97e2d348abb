"""Makes a checkpoint to keep for ever: a run that stops in its middle, and what it must end as.

    RULEZERO=build/rulezero tests/golden/checkpoints/make.py FOLDER [KEY=VALUE ...]     (from the repository's root; FOLDER is new)

format-1/ was made by it on 2026-11-29, with the program of version 0.1.0, and format-2/ (a checkpoint in parts) the same day, with checkpoint.part_bytes=16384.
They are not made anew: a program that cannot go on from one, or ends with other bits, has broken its word (tests/crash/format.py). When the format of checkpoints changes, another folder comes beside it.

expected.json of format-1/ was recorded anew once, when the arithmetic became number 2 (docs/numerics.md, section 12), by which no run goes on to the bits of number 1; the checkpoint
was not touched. format.py checks that such a run says so."""
import glob
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

RULEZERO = os.environ.get("RULEZERO", "build/rulezero")
HERE = "tests/golden/checkpoints"
ARCH = ["arch.hidden_size=16", "arch.intermediate_size=32", "arch.num_hidden_layers=1", "arch.num_attention_heads=2", "arch.num_key_value_heads=1",
        "arch.head_dim=8", "arch.max_position_embeddings=96"]
HALF = 2  # of the steps


def rulezero(*arguments):
    subprocess.run([RULEZERO, *arguments], check=True, stdout=subprocess.DEVNULL)


def digest_of(model, scratch):
    """Of the weights alone, by name, in a form that is not ours."""
    rulezero("convert", model, f"{scratch}/hf")
    with open(f"{scratch}/hf/model.safetensors", "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    shutil.rmtree(f"{scratch}/hf")
    header.pop("__metadata__", None)
    tensors = {name: hashlib.sha256(data[slice(*t["data_offsets"])]).hexdigest() for name, t in header.items()}
    return hashlib.sha256(json.dumps(tensors, sort_keys=True).encode()).hexdigest()


def expected(run, scratch):
    def lines(name):
        with open(f"{run}/{name}", encoding="utf-8") as f:
            return [{k: v for k, v in json.loads(line).items() if not k.startswith("time/")} for line in f]
    return {"weights": digest_of(f"{run}/model.h5", scratch), "metrics": lines("metrics.jsonl"), "eval": lines("eval.jsonl")}


def main(folder, *more):
    job = ["train", f"{HERE}/job.yaml", f"model={folder}/base.h5", *more]
    os.mkdir(folder)
    with tempfile.TemporaryDirectory() as scratch:
        rulezero("pretrain", f"{HERE}/job.yaml", *ARCH, "corpus.max_words=80", "pretrain.steps=2", "pretrain.documents_per_step=4", f"out={scratch}/base")
        shutil.copy(f"{scratch}/base/model.h5", f"{folder}/base.h5")
        run = f"{scratch}/run"
        rulezero(*job, f"out={run}")
        with open(f"{folder}/expected.json", "w", encoding="utf-8") as f:
            json.dump(expected(run, scratch), f, indent=1)
            f.write("\n")
        checkpoint = [os.path.relpath(path, run) for path in glob.glob(f"{run}/checkpoints/step-{HALF:06}.h5*")]
        for name in *checkpoint, "metrics.jsonl", "eval.jsonl", "config.yaml":  # as if it had been killed before its last checkpoint
            os.makedirs(os.path.dirname(f"{folder}/run/{name}"), exist_ok=True)
            shutil.copy(f"{run}/{name}", f"{folder}/run/{name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
