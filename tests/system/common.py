"""What the system tests share: cases, starting rulezero alone or under mpirun, looking at what it left behind.

A test is a program: RULEZERO names the binary, the repository's root is the current folder, the status is 0 only if every case passed. A case is a
function of a fresh folder; it fails by an exception. The last line is the Check framework's, which ./check counts."""
import concurrent.futures
import hashlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BINARY = os.path.abspath(os.environ.get("RULEZERO", "build/rulezero"))
HERE = os.path.dirname(os.path.abspath(__file__))
GRPO, BASE = os.path.join(HERE, "short.yaml"), os.path.join(HERE, "short-base.yaml")
MODEL = "data/countdown/quick-base.h5"
CORES = len(os.sched_getaffinity(0))
LONG = bool(os.environ.get("RZ_LONG"))  # ./check --long

OK, DIFFERENT, USAGE, DATA, CREATE, IO, CONFIG, STOPPED, DIVERGED = 0, 1, 64, 65, 73, 74, 78, 85, 87

# What ./check sets too; here so that a test also runs by itself.
os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
for setting, value in (("rmaps_base_oversubscribe", "1"), ("hwloc_base_binding_policy", "none"), ("mpi_yield_when_idle", "1"),
                       ("btl_base_warn_component_unused", "0"), ("btl_vader_single_copy_mechanism", "none")):
    os.environ.setdefault("OMPI_MCA_" + setting, value)
os.environ.setdefault("EVENT_NOEPOLL", "1")  # mpirun closes the ranks' pipes in a race, which epoll's part of libevent now and then remarks on
for name in ("MALLOC_PERTURB_", "RULEZERO_CPU", "RULEZERO_COLUMNS"):
    os.environ.pop(name, None)

# ---- cases ----

cases = []
speaking = threading.Lock()


def say(*words):
    """A whole line, though cases run side by side."""
    with speaking:
        sys.stdout.write(" ".join(str(w) for w in words) + "\n")
        sys.stdout.flush()


def case(name):
    def add(function):
        cases.append((name, function))
        return function
    return add


def check(condition, *words):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in words))


def run_case(name, function):
    """The failure told as text, or None."""
    folder = tempfile.mkdtemp(prefix="rulezero-")
    start, failure = time.monotonic(), None
    try:
        function(folder)
    except Exception as e:  # a case fails by whatever it raises
        failure = name + "\n" + "".join("    " + line for line in "".join(traceback.format_exception(e)).splitlines(True)[-30:])
    say(f"{'FAILED' if failure else 'ok    '} {time.monotonic() - start:6.1f} s  {name}")
    shutil.rmtree(folder, ignore_errors=True)
    return failure


def main(workers=1):
    """Runs the cases (those whose name contains an argument, if there are any), `workers` at a time, and exits. What failed is told at the end."""
    wanted = [c for c in cases if not sys.argv[1:] or any(a in c[0] for a in sys.argv[1:])]
    start = time.monotonic()
    check(os.access(BINARY, os.X_OK), f"{BINARY} is no program: set RULEZERO")
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        failures = [f for f in pool.map(lambda c: run_case(*c), wanted) if f]
    for failure in failures:
        print(failure)
    passed = len(wanted) - len(failures)
    print(f"{os.path.basename(sys.argv[0])}: {time.monotonic() - start:.1f} s")
    print(f"{100 * passed // max(len(wanted), 1)}%: Checks: {len(wanted)}, Failures: {len(failures)}, Errors: 0")
    sys.exit(1 if failures or not wanted else 0)


# ---- starting ----

class Result:
    def __init__(self, words, status, out, err, seconds):
        self.words, self.status, self.out, self.err, self.seconds = words, status, out, err, seconds

    def __str__(self):
        return (f"$ {self.words}\nstatus {self.status} after {self.seconds:.1f} s\n"
                f"--- stdout\n{self.out[-4000:]}--- stderr\n{self.err[-4000:]}---")

    def expect(self, status, *words):
        """The status, and every word somewhere in what was said. Returns self."""
        check(self.status == status, f"status {self.status}, expected {status}\n{self}")
        for word in words:
            check(word in self.out + self.err, f"nothing said of '{word}'\n{self}")
        return self

    def sentence(self):
        """The one line that a failure consists of; behind it a mistake in a YAML file is shown: its line, and a caret below."""
        lines = self.err.splitlines()
        if len(lines) == 3 and re.match(r" *\d+ \| ", lines[1]) and re.match(r" *\| *\^$", lines[2]):
            lines = lines[:1]
        check(len(lines) == 1, f"{len(lines)} lines on stderr, expected one\n{self}")
        check(lines[0].startswith("rulezero: "), f"stderr does not begin with 'rulezero: '\n{self}")
        return lines[0]


def command(arguments, ranks=0, program=None):
    """ranks 0: without mpirun. -q: mpirun's own remarks on a status that is not 0 are not ours."""
    launcher = ["mpirun", "-q", "-n", str(ranks)] if ranks else []
    return launcher + [program or BINARY] + [str(a) for a in arguments]


def start(arguments, ranks=0, cpu=None, program=None, session=False):
    """session: in a session of its own, whose processes session_of() lists."""
    environment = dict(os.environ, **({"RULEZERO_CPU": cpu} if cpu else {}))
    return subprocess.Popen(command(arguments, ranks, program), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            errors="replace", env=environment, start_new_session=session)


def session_of(process):
    """The numbers of all living processes of its session: mpirun and the ranks, which are in groups of their own."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                state, _, _, session = f.read().rpartition(")")[2].split()[:4]
        except OSError:  # it has ended since
            continue
        if int(session) == process.pid and state != "Z":
            found.append(int(name))
    return found


def finish(process, timeout=180):
    """Seconds are counted one by one: a test that was stopped, with the job it watches, and goes on later has lost one of them."""
    begin = time.monotonic()
    for _ in range(timeout):
        try:
            out, err = process.communicate(timeout=1)
            break
        except subprocess.TimeoutExpired:
            pass
    else:
        process.kill()
        out, err = process.communicate()
        err += f"\n[the test killed it after {timeout} s]\n"
    return Result(shlex.join(process.args), process.returncode, out, err, time.monotonic() - begin)


def rulezero(*arguments, ranks=0, cpu=None, timeout=180):
    return finish(start(arguments, ranks, cpu), timeout)


# ---- small disks ----

def mounted(options):
    """A case with a small file system of its own, where this user may mount one."""
    def wrap(function):
        def inside(folder):
            disk = os.path.join(folder, "disk")
            os.mkdir(disk)
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk], capture_output=True, text=True) if os.geteuid() == 0 else None
            if done is None or done.returncode:
                say(f"                 (skipped: no tmpfs can be mounted here{': ' + done.stderr.strip() if done else ''})")
                return
            try:
                function(folder, disk)
            finally:
                subprocess.run(["umount", "-l", disk], check=True)
        return inside
    return wrap


def remount(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


# ---- looking ----

def kernels():
    """The kernel sets of this build on this processor: the program lists them when asked for one that does not exist."""
    sentence = rulezero("train", GRPO, "--dry-run", cpu="none-such").expect(USAGE).sentence()
    return sentence.split(" has ")[1].split(", ")


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def snapshot(folder):
    """Names and contents below a folder. Not of `lock`, whose text names the last process that held it."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(path, name), folder)] = "folder"
        for name in files:
            if name != "lock":
                found[os.path.relpath(os.path.join(path, name), folder)] = digest(os.path.join(path, name))
    return found


def unchanged(before, folder):
    after = snapshot(folder)
    changes = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    check(not changes, f"changed in {folder}: {', '.join(changes)}")


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def metrics(folder):
    return lines_of(os.path.join(folder, "metrics.jsonl"))


def timeless(line):
    return {k: v for k, v in line.items() if not k.startswith(("time/", "checkpoint/", "speculative/"))}


def identical(a, b):
    """Two run directories by `rulezero diff`, and without it: the files that hold no paths and no times must be the same bytes."""
    rulezero("diff", a, b).expect(OK, "identical")
    check(digest(os.path.join(a, "model.h5")) == digest(os.path.join(b, "model.h5")), f"model.h5 differs between {a} and {b}, which diff did not see")
    x, y = (os.path.join(d, "eval") for d in (a, b))
    files = sorted(os.listdir(x)) if os.path.exists(x) else []
    check(files == (sorted(os.listdir(y)) if os.path.exists(y) else []), f"eval/ of {a} and {b} hold other files")
    check(all(digest(f"{x}/{f}") == digest(f"{y}/{f}") for f in files), f"eval/ differs between {a} and {b}, which diff did not see")
    for log in "metrics.jsonl", "eval.jsonl":
        x, y = (os.path.join(d, log) for d in (a, b))
        check(os.path.exists(x) == os.path.exists(y), f"{log} is in only one of {a} and {b}")
        if os.path.exists(x):
            check([timeless(line) for line in lines_of(x)] == [timeless(line) for line in lines_of(y)], f"{log} differs between {a} and {b}, which diff did not see")


def each_step_once(folder, steps):
    found = [line["step"] for line in metrics(folder)]
    check(found == list(range(1, steps + 1)), f"steps in {folder}/metrics.jsonl: {found}, expected 1 to {steps}, each once")


def wait_for(condition, process, timeout=300):
    """Polls; false when the process has ended first."""
    end = time.monotonic() + timeout
    while not condition():
        if process.poll() is not None:
            return False
        check(time.monotonic() < end, f"waited {timeout} s for nothing")
        time.sleep(0.005)
    return True


def count_lines(path):
    try:
        with open(path, "rb") as f:
            return f.read().count(b"\n")
    except FileNotFoundError:
        return 0


def byte_model(folder):
    """A Hugging Face folder with a tiny llama of random weights whose tokens are the 256 bytes and <eos>: it reads any text."""
    os.makedirs(folder)
    printable = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b]
    letters = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in printable)}
    vocab = {letters[b]: b for b in range(256)} | {"<eos>": 256}
    added = {"id": 256, "content": "<eos>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    D, F, V = 16, 32, 257
    files = {"config.json": {"model_type": "llama", "hidden_size": D, "intermediate_size": F, "num_hidden_layers": 1, "num_attention_heads": 2,
                             "num_key_value_heads": 1, "vocab_size": V, "max_position_embeddings": 2048, "tie_word_embeddings": True},
             "tokenizer.json": {"version": "1.0", "added_tokens": [added], "normalizer": None, "pre_tokenizer": level, "decoder": level,
                                "post_processor": None, "model": {"type": "BPE", "vocab": vocab, "merges": []}},
             "generation_config.json": {"eos_token_id": 256}}
    for name, content in files.items():
        with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
            json.dump(content, f)
    layer = "model.layers.0."
    shapes = {"model.embed_tokens.weight": [V, D], layer + "input_layernorm.weight": [D], layer + "self_attn.q_proj.weight": [D, D],
              layer + "self_attn.k_proj.weight": [D // 2, D], layer + "self_attn.v_proj.weight": [D // 2, D], layer + "self_attn.o_proj.weight": [D, D],
              layer + "post_attention_layernorm.weight": [D], layer + "mlp.gate_proj.weight": [F, D], layer + "mlp.up_proj.weight": [F, D],
              layer + "mlp.down_proj.weight": [D, F], "model.norm.weight": [D]}
    header, data, rng = {}, b"", random.Random(1)
    for name, shape in shapes.items():
        values = [1.0] * D if len(shape) == 1 else [rng.gauss(0, 0.1) for _ in range(shape[0] * shape[1])]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * len(values)]}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps(header).encode()
    with open(f"{folder}/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    return folder
