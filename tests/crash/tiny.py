"""The tiny job of tests/crash, and what its scripts share: they start it, hurt it, and compare what is left with a run that nobody hurt."""
import glob
import os
import sys

CRASH = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(CRASH), "system"))
from common import *  # noqa: E402,F403

TINY = os.path.join(CRASH, "tiny.yaml")
ARCH = ["arch.hidden_size=16", "arch.intermediate_size=32", "arch.num_hidden_layers=1", "arch.num_attention_heads=2", "arch.num_key_value_heads=1",
        "arch.head_dim=8", "arch.max_position_embeddings=96"]


IN_PARTS = "checkpoint.part_bytes=16384"  # a checkpoint in four parts


def make_base(folder):
    """A model.h5 of 30 kB."""
    rulezero("pretrain", TINY, "model=", "tokenizer=data/countdown/tokenizer.json", *ARCH, "corpus.max_words=80", "pretrain.steps=1",
             "pretrain.documents_per_step=2", f"out={folder}").expect(OK)
    return f"{folder}/model.h5"


def checkpoints(out):
    """Steps that have one, rising."""
    folder = f"{out}/checkpoints"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(n[5:-3]) for n in names if re.fullmatch(r"step-\d+\.h5", n))


def checkpoint(out, step):
    return f"{out}/checkpoints/step-{step:06}.h5"


def parts(out, step):
    return sorted(glob.glob(f"{checkpoint(out, step)}.part-*"))


def no_part_is_left(out):
    """Each belongs to a checkpoint that is there."""
    left = [path for path in glob.glob(f"{out}/checkpoints/*.part-*") if not os.path.exists(path[:path.rindex(".part-")])]
    check(not left, f"parts are left lying about: {left}")


def newest_is_whole(out, truth):
    """The newest checkpoint, if there is one, opens, and holds what the same step of the truth holds. Its step, or 0."""
    steps = checkpoints(out)
    if not steps:
        return 0
    rulezero("diff", checkpoint(truth, steps[-1]), checkpoint(out, steps[-1])).expect(OK, "identical")
    return steps[-1]
