"""A damaged newest checkpoint is named and passed over, the run goes on from the one before and ends as the truth; with none whole it is an error (65), and nothing is
touched. (That every byte flipped and every length cut is noticed at all: tests/test_store_damage.c.)

    tests/crash/damage.py [--number N] [--seed S] [--workers W]     (from the repository's root, with RULEZERO=build/rulezero)
"""
import argparse

from tiny import *

STEPS = 4


def flip(draw, data):
    at, bit = draw.randrange(len(data)), draw.randrange(8)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:], f"bit {bit} of byte {at} flipped"


def cut(draw, data):
    at = draw.randrange(len(data))
    return data[:at], f"cut to {at} bytes"


def overwrite(draw, data):
    n = draw.choice((1, 8, 512, 4096))
    at = draw.randrange(len(data) - n)
    return data[:at] + draw.randbytes(n) + data[at + n:], f"{n} random bytes at {at}"


def zeros(draw, data):
    at = draw.randrange(len(data) // 512) * 512
    return data[:at] + bytes(512) + data[at + 512:], f"a sector of zeros at {at}"


def swap(draw, data):
    at = draw.randrange(len(data) // 512 - 1) * 512
    return data[:at] + data[at + 512:at + 1024] + data[at:at + 512] + data[at + 1024:], f"sectors at {at} changed places"


def longer(draw, data):
    return data + draw.randbytes(draw.randint(1, 64)), "bytes behind its end"


KINDS = flip, cut, overwrite, zeros, swap, longer


class Rig:
    def __init__(self, folder):
        self.base, self.truth, self.cut = make_base(f"{folder}/base"), f"{folder}/truth", f"{folder}/cut"
        rulezero(*self.job(self.truth)).expect(OK)
        shutil.copytree(self.truth, self.cut)
        for name in f"checkpoints/step-{STEPS:06}.h5", "model.h5":
            os.unlink(f"{self.cut}/{name}")

    def job(self, out):
        return ["train", TINY, f"model={self.base}", f"steps={STEPS}", f"checkpoint.keep={STEPS}", f"out={out}"]


def damage(out, step, draw, kind):
    """In words. Damage that leaves the bytes as they are is drawn again."""
    path = checkpoint(out, step)
    with open(path, "rb") as f:
        data = f.read()
    while True:
        damaged, words = kind(draw, data)
        if damaged != data:
            break
    with open(path, "wb") as f:
        f.write(damaged)
    return words


def passed_over(rig, number, seed):
    def attempt(folder):
        draw = random.Random(f"{seed}/{number}")
        out, n = f"{folder}/run", draw.choice((1, 1, 2))
        shutil.copytree(rig.cut, out)
        words = [damage(out, STEPS - 1 - i, draw, KINDS[(number + i) % len(KINDS)]) for i in range(n)]
        result = rulezero(*rig.job(out), ranks=draw.choice((0, 0, 2)))
        good = STEPS - 1 - n
        result.expect(OK, f"{checkpoint(out, STEPS - 1)}: ", f"{n} newer checkpoint(s) cannot be read and were left out", f"resuming from {checkpoint(out, good)}")
        each_step_once(out, STEPS)
        try:
            rulezero("diff", rig.truth, out).expect(OK, "identical")
        except AssertionError as e:
            raise AssertionError(f"{words}: {e}") from e
    return attempt


def none_whole(rig, seed):
    def attempt(folder):
        draw = random.Random(f"{seed}/none")
        out = f"{folder}/run"
        shutil.copytree(rig.cut, out)
        for step in checkpoints(out):
            damage(out, step, draw, KINDS[step % len(KINDS)])
        before = snapshot(out)
        for ranks in 0, 2:
            rulezero(*rig.job(out), ranks=ranks).expect(DATA, f"no checkpoint in {out}/checkpoints can be read", checkpoint(out, STEPS - 1))
            unchanged(before, out)
    return attempt


def run():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--number", type=int, default=300 if LONG else 18, help="damaged files")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--workers", type=int, default=3)
    options = options.parse_args()
    sys.argv[1:] = []
    folder = tempfile.mkdtemp(prefix="rulezero-damage-")
    try:
        rig = Rig(folder)
        for i in range(options.number):
            case(f"the newest checkpoint damaged, {KINDS[i % len(KINDS)].__name__} (damage {i}, seed {options.seed})")(passed_over(rig, i, options.seed))
        case("every checkpoint damaged: an error, and nothing is touched")(none_whole(rig, options.seed))
        main(options.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    run()
