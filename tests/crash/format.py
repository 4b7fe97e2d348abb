"""Checkpoints of every format that was ever released (tests/golden/checkpoints/): a run goes on from each, on any number of ranks, to the bits that were recorded
when it was made."""
import glob

from tiny import *

GOLDEN = "tests/golden/checkpoints"
sys.path.insert(0, GOLDEN)
import make  # noqa: E402


def goes_on(made, ranks):
    def attempt(folder):
        out = f"{folder}/run"
        shutil.copytree(f"{made}/run", out)
        rulezero("train", f"{GOLDEN}/job.yaml", f"model={made}/base.h5", f"out={out}", ranks=ranks).expect(OK, "resuming from", f"(step {make.HALF} of", *["with another arithmetic (1, this one has 2"] * made.endswith("format-1"))
        make.RULEZERO = BINARY
        found = make.expected(out, folder)
        with open(f"{made}/expected.json", encoding="utf-8") as f:
            recorded = json.load(f)
        for name, due in recorded.items():
            check(found[name] == due if name == "weights" else same_lines(due, found[name]), f"{name}: {found[name]}, recorded {due}")
    return attempt


def same_lines(due, found):
    """A later program may log more."""
    return len(due) == len(found) and all(line.get(key, key) == value for was, line in zip(due, found) for key, value in was.items())


def is_a_base(made):
    def attempt(folder):
        file = f"{made}/run/checkpoints/step-{make.HALF:06}.h5"
        rulezero("inspect", file).expect(OK, "format_version", "optimizer/m")
        rulezero("eval", "--model", file, "--data", "countdown", "--rules", f"{GOLDEN}/rules.yaml", "--limit", 2, "--max-new", 8).expect(OK)
    return attempt


for made in sorted(glob.glob(f"{GOLDEN}/format-*")):
    for ranks in 0, 1, 3:
        case(f"{os.path.basename(made)}: a run goes on from it on {ranks} ranks, to the bits that were recorded")(goes_on(made, ranks))
    case(f"{os.path.basename(made)}: it is a base, and can be looked at")(is_a_base(made))

if __name__ == "__main__":
    main(workers=2)
