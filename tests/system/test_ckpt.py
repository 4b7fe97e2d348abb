"""rulezero ckpt verify and list: what is whole, what is damaged, which is the newest, which the best."""
import glob

from common import *

JOB = ["train", GRPO, "steps=6", "prompts_per_step=4", "rollout.max_new=16", "checkpoint.every=2", "checkpoint.keep=9", "eval.every=2"]
truth_folder = tempfile.mkdtemp(prefix="rulezero-truth-")


def run(folder):
    """A copy of a finished run."""
    first = f"{truth_folder}/run"
    if not os.path.exists(first):
        rulezero(*JOB, f"out={first}").expect(OK)
    shutil.copytree(first, f"{folder}/run")
    return f"{folder}/run"


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


def verify(*words, status=OK):
    """The lines about damage, and the object; both must say the same."""
    people = rulezero("ckpt", "verify", *words).expect(status)
    check(not people.out, people)
    machine = rulezero("ckpt", "verify", *words, "--json").expect(status)
    said = json.loads(machine.out)
    damaged = [f["file"] for f in said["files"] if not f["whole"]]
    lines = [line for line in people.err.splitlines() if line.startswith("DAMAGED  ")]
    check(said["schema"] == 1 and said["damaged"] == len(damaged) == len(lines), f"{people}\n{machine}")
    check(all(any(line.startswith(f"DAMAGED  {f}: ") for line in lines) for f in damaged), f"{people}\n{machine}")
    check(len([line for line in people.err.splitlines() if line.startswith("whole")]) == len(said["files"]) - len(damaged), people)
    check(all("error" in f for f in said["files"] if not f["whole"]), machine)
    return damaged, said["files"], people


@case("verify: a finished run is whole, and all of it was looked at")
def _(folder):
    out = run(folder)
    damaged, files, people = verify(out)
    names = sorted(os.path.relpath(f["file"], out) for f in files)
    written = sorted(f"{d}/step-{n:06}.h5" for d, ns in (("checkpoints", (2, 4, 6)), ("rollouts", (2, 4, 6)), ("eval", (0, 2, 4, 6))) for n in ns)
    check(names == sorted(written + ["model.h5", "metrics.jsonl", "eval.jsonl"]), names)
    check(f"{out}/checkpoints/step-000004.h5  train, step 4, " in people.err, people)
    check([f["step"] for f in files if f.get("kind") == "train"] == [2, 4, 6], files)
    for path in f"{out}/model.h5", f"{out}/checkpoints", f"{out}/rollouts":
        verify(path)
    verify("tests/golden/checkpoints/format-1/run")


@case("a checkpoint in parts is one: verify, list, inspect, diff, convert and eval see it whole, and of a damaged part all say which")
def _(folder):
    whole, out = run(folder), f"{folder}/parts"
    rulezero(*JOB, "checkpoint.part_bytes=500000", f"out={out}", ranks=2).expect(OK)
    rulezero("diff", whole, out).expect(OK, "identical")
    path = f"{out}/checkpoints/step-000006.h5"
    parts = sorted(glob.glob(f"{path}.part-*"))
    check(len(parts) > 3, parts)
    files = verify(out)[1]
    size = {f["file"]: f["bytes"] for f in files if f.get("kind") == "train"}
    check(len(size) == 3 and size[path] == sum(map(os.path.getsize, [path, *parts])), size)
    newest = json.loads(rulezero("ckpt", "list", out, "--json").expect(OK).out)["checkpoints"][-1]
    check(newest["bytes"] == size[path], newest)
    said = json.loads(rulezero("inspect", path, "--json").expect(OK).out)
    due = json.loads(rulezero("inspect", f"{whole}/checkpoints/step-000006.h5", "--json").expect(OK).out)
    for o in said, due:
        o["arrays"].pop("config")  # its length
    check(said["arrays"] == due["arrays"] and said["parts"] == len(parts) and due["parts"] == 0 and said["attributes"]["format_version"] == "2", said)
    rulezero("inspect", path).expect(OK, f"in {len(parts)} parts beside it")
    for model, name in (path, "of-parts"), (f"{whole}/checkpoints/step-000006.h5", "of-whole"):
        rulezero("convert", model, f"{folder}/{name}").expect(OK)
    check(digest(f"{folder}/of-parts/model.safetensors") == digest(f"{folder}/of-whole/model.safetensors"), "convert made something else of it")
    shutil.copytree(f"{out}/checkpoints", f"{folder}/copied")
    os.rename(f"{folder}/copied/step-000006.h5", f"{folder}/copied/renamed.h5")
    rulezero("inspect", f"{folder}/copied/renamed.h5").expect(DATA, "renamed.h5.part-1", "missing")
    for part in glob.glob(f"{folder}/copied/step-000006.h5.part-*"):
        os.rename(part, part.replace("step-000006", "renamed"))
    rulezero("inspect", f"{folder}/copied/renamed.h5").expect(OK)
    flip(parts[1], 5000)
    damaged, _, people = verify(out, status=DATA)
    check(damaged == [path] and parts[1] in people.err, people)
    for words in (["inspect", path], ["convert", path, f"{folder}/x"], ["diff", path, path], ["eval", "--model", path, "--data", "countdown", "--rules", "configs/rules/countdown.yaml"]):
        rulezero(*words).expect(DATA, f"{parts[1]}: is damaged")
    rulezero("ckpt", "list", out).expect(OK, f"{parts[1]}: is damaged")
    rulezero(*JOB, f"out={out}").expect(OK, f"{parts[1]}: is damaged", "resuming from")
    verify(out)
    check(not glob.glob(f"{path}.part-*"), "parts of the one that was damaged are left beside the one that took its place")


@case("verify: damage anywhere is found and named, 65")
def _(folder):
    out = run(folder)
    draw = random.Random(1)
    hurt = ["checkpoints/step-000004.h5", "rollouts/step-000006.h5", "eval/step-000000.h5", "model.h5"]
    for name in hurt:
        flip(f"{out}/{name}", draw.randrange(os.path.getsize(f"{out}/{name}")))
    os.truncate(f"{out}/checkpoints/step-000006.h5", 5000)
    damaged, _, people = verify(out, status=DATA)
    check(sorted(os.path.relpath(d, out) for d in damaged) == sorted(hurt + ["checkpoints/step-000006.h5"]), damaged)
    check("5 of 13 files" in people.err and "ckpt list" in people.err, people)
    verify(f"{out}/model.h5", status=DATA)


@case("verify: a log that is shorter than the newest checkpoint asks for")
def _(folder):
    out = run(folder)
    os.truncate(f"{out}/metrics.jsonl", 700)
    os.remove(f"{out}/eval.jsonl")
    damaged, _, people = verify(out, status=DATA)
    check([os.path.basename(d) for d in damaged] == ["metrics.jsonl", "eval.jsonl"] and "has 700 bytes" in people.err and "is missing" in people.err, people)
    check("its end is lost" in rulezero(*JOB, f"out={out}", "steps=6").expect(DATA).err, "a job goes on all the same")


@case("list: steps, sizes, measures, the newest whole one, the best")
def _(folder):
    out = run(folder)
    accuracy = {line["step"]: line["accuracy"] for line in lines_of(f"{out}/eval.jsonl")}
    reward = [line["reward/mean"] for line in metrics(out)]
    for path in out, f"{out}/checkpoints", f"{out}/checkpoints/":
        said = json.loads(rulezero("ckpt", "list", path, "--json").expect(OK).out)
        rows = said["checkpoints"]
        check(said["schema"] == 1 and [r["step"] for r in rows] == [2, 4, 6] and all(r["whole"] for r in rows), said)
        check(all(r["bytes"] == os.path.getsize(r["file"]) and r["accuracy"] == accuracy[r["step"]] for r in rows), said)
        check(all(abs(r["reward/mean"] - sum(reward[:r["step"]]) / r["step"]) < 1e-12 for r in rows), said)
        check(all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", r["written"]) for r in rows), said)
        check(rows[1]["tokens_sampled"] == sum(line["tokens/sampled"] for line in metrics(out)[:4]), said)
        check(said["newest"] == rows[2]["file"], said)
        best = max(rows, key=lambda r: (r["accuracy"], -r["step"]))
        check(said["best"] == best["file"], said)
    people = rulezero("ckpt", "list", out).expect(OK)
    check(not people.out and len(people.err.splitlines()) == 4 and people.err.splitlines()[3].split()[0] == "6" and "newest" in people.err.splitlines()[3], people)
    os.truncate(f"{out}/checkpoints/step-000006.h5", 5000)
    said = json.loads(rulezero("ckpt", "list", out, "--json").expect(OK).out)
    check(not said["checkpoints"][2]["whole"] and said["checkpoints"][2]["error"] and said["newest"].endswith("step-000004.h5"), said)
    check("DAMAGED" in rulezero("ckpt", "list", out).expect(OK).err.splitlines()[3], said)
    # without evaluations the highest reward counts
    os.remove(f"{out}/eval.jsonl")
    said = json.loads(rulezero("ckpt", "list", out, "--json").expect(OK).out)
    check(said["best"] == max(said["checkpoints"][:2], key=lambda r: r["reward/mean"])["file"] and said["checkpoints"][0]["accuracy"] is None, said)


@case("a base made on the way, and a pretraining")
def _(folder):
    out = f"{folder}/base"
    rulezero("pretrain", BASE, f"out={out}", "checkpoint.every=1", "checkpoint.keep=3", "pretrain.steps=4").expect(OK)
    verify(out)
    said = json.loads(rulezero("ckpt", "list", out, "--json").expect(OK).out)
    check([r["step"] for r in said["checkpoints"]] == [2, 3, 4] and all(r["loss"] > 0 and r["tokens_trained"] for r in said["checkpoints"]), said)
    check(said["best"] == min(said["checkpoints"], key=lambda r: r["loss"])["file"], said)
    os.makedirs(f"{folder}/run")
    os.rename(out, f"{folder}/run/base-0123")
    damaged, files, _ = verify(f"{folder}/run")
    check(f"{folder}/run/base-0123/checkpoints/step-000004.h5" in [f["file"] for f in files], files)
    flip(f"{folder}/run/base-0123/model.h5", 3000)
    check(verify(f"{folder}/run", status=DATA)[0] == [f"{folder}/run/base-0123/model.h5"], "another file")


@case("wrong words")
def _(folder):
    os.makedirs(f"{folder}/empty")
    for words, status, said in [(["verify"], USAGE, "a run directory is missing"), (["list"], USAGE, "a run directory is missing"), (["lst", "x"], USAGE, "did you mean 'ckpt list'"),
                                (["verify", f"{folder}/none"], IO, "does not exist"), (["list", f"{folder}/none"], IO, "is no folder"),
                                (["verify", f"{folder}/empty"], DATA, "holds no file of ours"), (["list", f"{folder}/empty"], DATA, "holds no checkpoint"),
                                (["verify", "a", "b"], USAGE, "'b' is not understood"), (["list", "a", "--jsn"], USAGE, "--json")]:
        check(said in rulezero("ckpt", *words).expect(status).sentence(), words)
    rulezero("ckpt", "--help").expect(OK, "ckpt verify", "ckpt list")
    rulezero("ckpt", "verify", "--help").expect(OK, "example: ")


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(truth_folder, ignore_errors=True)
