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


def missing(path, other):
    os.unlink(path)


def exchanged(path, other):
    """For what is whole and of another step."""
    shutil.copy(other, path)


PART_KINDS = missing, exchanged


class Rig:
    def __init__(self, folder):
        self.base, self.truth = make_base(f"{folder}/base"), f"{folder}/whole"
        self.cut = {False: f"{folder}/cut", True: f"{folder}/cut-parts"}  # by whether its checkpoints are in parts
        for in_parts, made in (False, self.truth), (True, f"{folder}/parts"):
            rulezero(*self.job(made, in_parts)).expect(OK)
            check(bool(parts(made, STEPS)) == in_parts, os.listdir(f"{made}/checkpoints"))
            shutil.copytree(made, self.cut[in_parts])
            for name in f"checkpoints/step-{STEPS:06}.h5", "model.h5":
                os.unlink(f"{self.cut[in_parts]}/{name}")

    def job(self, out, in_parts):
        return ["train", TINY, f"model={self.base}", f"steps={STEPS}", f"checkpoint.keep={STEPS}", f"out={out}"] + [IN_PARTS] * in_parts


def damage(out, step, draw, kind):
    """The file that it was done to, and in words. Damage that leaves the bytes as they are is drawn again."""
    path = draw.choice([checkpoint(out, step)] + 2 * parts(out, step))
    if kind in PART_KINDS:
        path = draw.choice(parts(out, step))
        other = path.replace(f"step-{step:06}", f"step-{STEPS if step < STEPS else 1:06}")
        kind(path, other)
        return path, f"{path} is {kind.__name__}"
    with open(path, "rb") as f:
        data = f.read()
    while True:
        damaged, words = kind(draw, data)
        if damaged != data:
            break
    with open(path, "wb") as f:
        f.write(damaged)
    return path, f"{path} {words}"


def kind_of(number):
    """What is done, and whether to a checkpoint in parts: they take turns."""
    kinds = [(kind, in_parts) for in_parts in (False, True) for kind in KINDS + PART_KINDS * in_parts]
    return kinds[number % len(kinds)]


def passed_over(rig, number, seed):
    def attempt(folder):
        draw = random.Random(f"{seed}/{number}")
        out, n = f"{folder}/run", draw.choice((1, 1, 2))
        kind, in_parts = kind_of(number)
        shutil.copytree(rig.cut[in_parts], out)
        done = [damage(out, STEPS - 1 - i, draw, kind) for i in range(n)]
        words = [words for path, words in done]
        result = rulezero(*rig.job(out, in_parts), ranks=draw.choice((0, 0, 2)))
        good = STEPS - 1 - n
        result.expect(OK, done[0][0], f"{n} newer checkpoint(s) cannot be read and were left out", f"resuming from {checkpoint(out, good)}")
        each_step_once(out, STEPS)
        no_part_is_left(out)
        try:
            rulezero("diff", rig.truth, out).expect(OK, "identical")
        except AssertionError as e:
            raise AssertionError(f"{words}: {e}") from e
    return attempt


def none_whole(rig, seed, in_parts):
    def attempt(folder):
        draw = random.Random(f"{seed}/none")
        out = f"{folder}/run"
        shutil.copytree(rig.cut[in_parts], out)
        for path in glob.glob(f"{out}/checkpoints/step-{STEPS:06}.h5.part-*"):  # of the one that was cut off, which a start removes
            os.unlink(path)
        for step in checkpoints(out):
            damage(out, step, draw, KINDS[step % len(KINDS)])
        before = snapshot(out)
        for ranks in 0, 2:
            rulezero(*rig.job(out, in_parts), ranks=ranks).expect(DATA, f"no checkpoint in {out}/checkpoints can be read", checkpoint(out, STEPS - 1))
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
            kind, in_parts = kind_of(i)
            case(f"the newest checkpoint damaged, {kind.__name__}{', in parts' * in_parts} (damage {i}, seed {options.seed})")(passed_over(rig, i, options.seed))
        for in_parts in False, True:
            case(f"every checkpoint damaged{', in parts' * in_parts}: an error, and nothing is touched")(none_whole(rig, options.seed, in_parts))
        main(options.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    run()
