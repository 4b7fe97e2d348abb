"""Programs that a model wrote, run against tests: right ones pass, and whatever else they try they reach nothing, leave nothing behind and cost one sample. At
every level of the sandbox that this machine can keep; for one that it cannot, the refusal says what to do."""
from common import *

LEVELS = "limits", "calls", "namespaces"
SUM = [{"input": "2 3\n", "output": "5\n"}, {"input": "10 -4\n", "output": "6"}]
SQUARE = [{"call": "f(2)", "output": "4"}, {"call": "f(0)", "output": "0"}, {"call": "f(-3)", "output": "9"}]


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


FLAT = "a, b = map(int, input().split())\nprint(a + b)"
WRITES = """import os
for d in '/', '/dev', '/dev/shm', '/proc', '/var/tmp', os.path.dirname(os.path.abspath(__file__)):
    try:
        open(d + '/rulezero-was-here', 'w').close()
        print(5)
    except OSError:
        pass"""
SECRET = "a-word-that-only-the-test-knows"


def sample(code, tests=SUM, fence="python"):
    return {"completion": f"<think>let me see</think>\n```{fence}\n{code}\n```\n", "meta": {"tests": tests}}


def score(folder, rows, *keys, environment=()):
    """The explanations, or the refusal."""
    rules = write(f"{folder}/rules.yaml", "version: 1\nrules:\n  works:\n    code_tests: tests\n" + "".join(f"    {k}\n" for k in keys))
    lines = write(f"{folder}/samples.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    result = rulezero("score", "--rules", rules, "--explain", lines)
    if result.status == CONFIG:
        return result
    result.expect(OK)
    found = [json.loads(line)["explain"][0] for line in result.out.splitlines()]
    check(len(found) == len(rows), result)
    check(not boxes(), "a folder of a program was left in /tmp")
    return found


def levels(folder):
    """Those that this machine can keep; of the others the refusal is checked."""
    able = []
    for level in LEVELS:
        got = score(folder, [sample(FLAT)], f"sandbox: {level}")
        if isinstance(got, list):
            check(got[0]["points"] == 1, level, got)
            able.append(level)
        else:
            check(f"cannot keep a program at the level {level}" in got.err and "or set a lower level" in got.err, got)
            say(f"                 this machine cannot keep the level {level}: {got.err.strip()[:200]}")
    check("limits" in able, able)
    return able


@case("right programs pass, wrong ones do not, at every level")
def _(folder):
    rows = [
        (sample(FLAT), 1, "all 2 tests passed"),
        (sample("a, b = map(int, input().split())\nprint(a - b)"), 0, "test 1: its output differs"),
        (sample("a, b = map(int, input().split())\nprint(5)"), 0, "1 of 2 tests passed; test 2"),
        (sample("print(5)\nprint(6)"), 0, "test 1"),  # the whole output is compared
        (sample("def f(x):\n    return x * x", SQUARE), 1, "all 3 tests passed"),
        (sample("def f(x):\n    return x + x", SQUARE), 0, "2 of 3 tests passed; test 3"),
        (sample("print('4')\nimport sys\nsys.exit(0)", SQUARE), 0, "1 of 2"),  # ends before the call: passes the first by luck only
        (sample("def f(x:\n", SQUARE), 0, "SyntaxError"),
        (sample("raise SystemExit(0)"), 0, "its output differs"),
        (sample("import os\nos._exit(0)"), 0, "its output differs"),
        (sample(FLAT, fence="c"), 0, "no program"),
        ({"completion": "```python\n" + FLAT, "meta": {"tests": SUM}}, 0, "no program"),
        ({"completion": "", "meta": {"tests": SUM}}, 0, "no program"),
    ]
    for level in levels(folder):
        for (row, points, words), got in zip(rows, score(folder, [r[0] for r in rows], f"sandbox: {level}")):
            check(got["state"] == "scored" and got["points"] == points and words in got["reason"], level, row, got)


@case("the share of tests passed; other interpreters; ways to compare")
def _(folder):
    half = sample("a, b = map(int, input().split())\nprint(5)")
    check(score(folder, [half, sample(FLAT)], "points: share")[0]["points"] == 0.5, "share")
    shell = score(folder, [sample("read a b\necho $((a+b))", fence="sh")], "command: [sh, '{file}']", "fence: sh", "file: main.sh")
    check(shell[0]["points"] == 1, shell)
    spaced = sample("a, b = map(int, input().split())\nprint(' ', a + b)")
    check([score(folder, [spaced], f"output: {how}")[0]["points"] for how in ("lines", "tokens", "exact")] == [0, 1, 0], "compare")


@case("what a hostile program tries")
def _(folder):
    os.environ["RZ_TEST_SECRET"] = SECRET
    home = write(f"{folder}/kept", SECRET)
    os.chmod(home, 0o644)
    everywhere = [
        ("while True: pass", "used up its processor time"),
        ("x = [0] * (10 ** 10)", "status 1"),
        ("while True: print('x' * 1000)", "wrote too much"),
        ("import ctypes\nctypes.string_at(0)", "status 139"),
        ("import os\nprint(os.environ.get('RZ_TEST_SECRET'))", "its output differs"),
        ("import sys\nsys.stderr.write('y' * 10 ** 6)", "its output differs"),
        ("open('/etc/rulezero-was-here', 'w')" if os.getuid() else "open('/tmp/large', 'wb').write(b'a' * 10 ** 8)", "status 1"),
        ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", "used up its processor time"),
    ]
    confined = [
        ("import time\ntime.sleep(1000)\nprint(5)", "test 2"),  # sleeping is over at once
        ("import threading\nl = threading.Lock()\nl.acquire()\nl.acquire()", "used up its processor time"),
        ("import os\nos.fork()", "Permission"),
        ("import os\nos.system('echo 5')", "its output differs"),
        ("import subprocess\nsubprocess.run(['echo', '5'])", "status 1"),
        ("import socket\nsocket.socket()", "status 1"),
        ("import os\nos.kill(os.getppid(), 9)", "status 1"),
        (f"print(open({home!r}).read())", "status 1"),
        ("print(open('/etc/passwd').read())", "status 1"),
        ("print(open('/proc/1/environ').read())", "test 1"),
        ("open('/usr/rulezero-was-here', 'w')", "status 1"),
        ("import ctypes\nprint(ctypes.CDLL(None).ptrace(0, 0, 0, 0))", "its output differs"),
        # the files of others: Landlock's first version does not stop the first three
        (f"import os\nos.truncate({home!r}, 0)", "status 1"),
        (f"import os\nos.close(os.open({home!r}, os.O_RDONLY | os.O_TRUNC))", "status 1"),
        (f"import os\nos.chmod({home!r}, 0)", "status 1"),
        # room that nobody counts
        (WRITES, "its output differs"),
        # other processes
        ("import os, resource\nprint(resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (99, 99)))", "status 1"),
        ("import ctypes, os\nif ctypes.CDLL(None).syscall(234, os.getppid(), os.getppid(), 0) == 0: print(5)", "its output differs"),  # tgkill
        ("import fcntl, os\nfcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())", "status 1"),
        ("import os, resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))", "status 1"),
        # waiting for oneself, which only the clock would end
        ("print(open('/proc/self/fd/1').read())", "status 1"),
        ("import os\nprint(os.read(1, 1))", "its output differs"),
        ("open('/proc/self/fd/0', 'w').write('x' * 10 ** 6)", "status 1"),
        ("open('/dev/ptmx').read()", "status 1"),
        ("import signal\nsignal.raise_signal(signal.SIGSTOP)", "status 1"),
        ("import fcntl\nfcntl.lockf(open(__file__), fcntl.LOCK_SH)", "status 1"),
        ("import fcntl\nfcntl.fcntl(open(__file__), fcntl.F_SETLEASE, fcntl.F_RDLCK)", "status 1"),
    ]
    try:
        for level in levels(folder):
            tries = everywhere + (confined if level != "limits" else [])
            got = score(folder, [sample(code) for code, _ in tries], f"sandbox: {level}", "cpu_s: 1", "memory_mb: 256")
            for (code, words), e in zip(tries, got):
                check(e["points"] == 0 and words in e["reason"] and SECRET not in json.dumps(e) and not e.get("nondeterministic"), level, code, e)
            with open(home, encoding="utf-8") as f:
                check(f.read() == SECRET and os.stat(home).st_mode & 0o777 == 0o644, level, "a file was touched")
    finally:
        del os.environ["RZ_TEST_SECRET"]


@case("a program that waits at the lowest level is killed by the clock, and that is said")
def _(folder):
    got = score(folder, [sample("import time\ntime.sleep(100)"), sample(FLAT)], "sandbox: limits", "wall_ms: 500")
    check(got[0].get("nondeterministic") and "killed by the clock" in got[0]["reason"], got)
    check(got[1]["points"] == 1, got)


def programs():
    """Command lines of running programs of models."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as f:
                found += [line for line in [f.read().replace("\0", " ")] if "rulezero-box-" in line]
        except OSError:  # it has ended since
            pass
    return found


def boxes():
    return [n for n in os.listdir("/tmp") if n.startswith("rulezero-box-")]


def gone(what, message):
    end = time.monotonic() + 10
    while what():
        check(time.monotonic() < end, message, what())
        time.sleep(0.02)


@case("what a program leaves in the background ends with it")
def _(folder):
    code = "import os, time\nif os.fork() == 0:\n    [os.close(fd) for fd in range(3)]\n    time.sleep(1000)\nprint(5)"
    check(score(folder, [sample(code, SUM[:1])], "sandbox: limits")[0]["points"] == 1, "it passes")
    gone(programs, "a program goes on")


@case("a job that is killed leaves no program and no folder")
def _(folder):
    for level in levels(folder):
        rules = write(f"{folder}/rules.yaml", f"version: 1\nrules:\n  works: {{code_tests: tests, cpu_s: 60, sandbox: {level}}}\n")
        lines = write(f"{folder}/samples.jsonl", json.dumps(sample("while True: pass")) + "\n")
        process = start(["score", "--rules", rules, lines])
        wait_for(lambda: boxes() and programs(), process)
        process.kill()
        finish(process)
        gone(programs, f"{level}: a program goes on")
        gone(boxes, f"{level}: a folder is left")


@case("what the machine does wrong is no score: the job ends, or goes on without it")
def _(folder):
    os.symlink("/bin/sh", f"{folder}/shell")  # a path that is not in the sandbox
    if "namespaces" in levels(folder):
        got = score(folder, [sample("echo 5")], f"command: [{folder}/shell, '{{file}}']")
        check(got[0]["state"] == "error" and got[0].get("nondeterministic") and "could not start" in got[0]["reason"], got)


@case("programs that loop in every test are scored, whatever the number of tests")
def _(folder):
    got = score(folder, [sample("while True: pass", SUM * 2)], "points: share", "cpu_s: 1", "wall_ms: 118500")
    check(got[0]["state"] == "scored" and got[0]["points"] == 0 and not got[0].get("nondeterministic"), got)


@case("an order of Python's that chance decides is the same in every run")
def _(folder):
    found = {level: {score(folder, [sample("print(hash('order'))", SUM[:1])], f"sandbox: {level}")[0]["found"] for _ in range(2)} for level in levels(folder)}
    check(all(len(f) == 1 for f in found.values()), found)


@case("input: any amount, read or not, also by its name")
def _(folder):
    many = [{"input": "7" * (1 << 20), "output": str(1 << 20)}]
    codes = "print(len(input()))", "print(len(open('/dev/stdin').read()))", "print(1 << 20)"
    for level in levels(folder):
        got = score(folder, [sample(code, many) for code in codes], f"sandbox: {level}")
        check([e["points"] for e in got] == [1, 1, 1], level, got)


@case("data without tests is an error; bad rules are refused with the remedy")
def _(folder):
    for meta, words in [({}, "no list 'tests'"), ({"tests": []}, "no list 'tests'"), ({"tests": [{"input": "1"}]}, "must have texts"), ({"tests": [{"output": "1"}]}, "must have texts")]:
        got = score(folder, [{"completion": "x", "meta": meta}])
        check(got[0]["state"] == "error" and words in got[0]["reason"], meta, got)
    for key, words in [("command: [python3, -I]", "{file}"), ("call: print()", "{call}"), ("file: ../x", "plain name"), ("sandbox: none", "limits, calls, namespaces"),
                       ("command: [no-such-thing, '{file}']", "the interpreter 'no-such-thing' is not in")]:
        got = score(folder, [sample(FLAT)], key)
        check(not isinstance(got, list) and words in got.err, key, got)


if __name__ == "__main__":
    main(workers=1)  # what is left in /tmp is looked for
