"""Rules that are programs: programs that loop, crash, eat memory or talk nonsense: each costs one
completion and never the run, alone and under mpirun."""
import re

from common import *

BUILD = os.path.dirname(BINARY)
LUA = """version: 1
rules:
  format: {tags: [think, answer], weight: 0.1}
  made:
    lua: |
      function score(c)
        local n = 0
        for _, w in ipairs(c.text:split()) do n = n + (tonumber(w) or 0) %% 7 end
        %s
        return n / 100, 'numbers'
      end
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def written(folder, **files):
    return [write(f"{folder}/{name}", text) for name, text in files.items()][0]


def score(folder, rules, samples, *flags, **keys):
    """The lines that come out, each with its one rule's part as `part`."""
    write(f"{folder}/samples.jsonl", "".join(json.dumps(s) + "\n" for s in samples))
    result = rulezero("score", "--rules", rules, "--explain", *flags, f"{folder}/samples.jsonl", **keys).expect(OK)
    lines = [json.loads(line) for line in result.out.splitlines()]
    check(len(lines) == len(samples), result)
    for line in lines:
        line["part"] = line["explain"][-1]
    return lines


def helpers():
    """Processes of this program's helpers, by number; a dead one that nobody has fetched counts too."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                if "(rulezero-rules)" in f.read():
                    found.add(int(name))
        except OSError:
            pass
    return found


def nobody_is_left(before):
    end = time.monotonic() + 10
    while helpers() - before:
        check(time.monotonic() < end, f"helpers are left: {helpers() - before}")
        time.sleep(0.02)


# ---- programs ----

PROGRAM = """
import json, os, signal, subprocess, sys, time
for line in sys.stdin:
    c = json.loads(line)
    word = c["text"]
    if word == "loop":
        while True: pass
    if word == "sleep": time.sleep(1000)
    if word == "die": print("about to die", file=sys.stderr); sys.exit(3)
    if word == "raise": raise ValueError("of its own")
    if word == "segfault": os.kill(os.getpid(), signal.SIGSEGV)
    if word == "memory": x = bytearray(10 << 30)
    if word == "huge": print("x" * 10000000, flush=True)
    if word == "noise": sys.stderr.write("noise\\n" * 100000)
    if word == "close": os.close(1); time.sleep(1000)
    if word == "breed": print(json.dumps({"score": subprocess.Popen(["sleep", "1000"]).pid}), flush=True); continue
    if word == "nan": print('{"score": NaN}', flush=True); continue
    if word == "text": print("no JSON", flush=True); continue
    if word == "list": print("[1]", flush=True); continue
    if word == "error": print('{"error": "cannot say"}', flush=True); continue
    if word == "null": print("null", flush=True); continue
    if word == "twice": print("0.5\\n0.25", flush=True); continue
    if word == "launcher": print(json.dumps({"score": sum(k.startswith(("OMPI_", "PMIX_")) for k in os.environ)}), flush=True); continue
    print(json.dumps({"score": 1, "reason": word, "span": [0, 2]}), flush=True)
"""
# What is said, the state, a flag, a part of the reason.
WORDS = [("loop", "error", "nondeterministic", "within 0.5 seconds"), ("sleep", "error", "nondeterministic", "killed"), ("die", "error", "crashed", "status 3"),
         ("die", "error", "crashed", "about to die"), ("raise", "error", "crashed", "ValueError: of its own"), ("segfault", "error", "crashed", "signal 11"),
         ("memory", "error", "crashed", "MemoryError"), ("huge", "error", "crashed", "longer than"), ("noise", "scored", None, "noise"),
         ("close", "error", "crashed", "signal 9"), ("nan", "error", None, "no JSON"), ("text", "error", None, "no JSON"), ("list", "error", None, "no \"score\""),
         ("error", "error", None, "cannot say"), ("null", "skipped", None, "abstains")]


@case("a program that misbehaves costs one completion")
def _(folder):
    before = helpers()
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  r: {program: [python3, p.py], deadline_ms: 500}\n", "p.py": PROGRAM})
    samples = [{"completion": text} for word, *_ in WORDS for text in (word, "fine")]
    lines = score(folder, rules, samples, "--rules-allow", "program")
    for (word, state, flag, reason), bad, good in zip(WORDS, lines[::2], lines[1::2]):
        part = bad["part"]
        check(part["state"] == state and reason in part["reason"], word, part)
        for name in "crashed", "nondeterministic":
            check(part.get(name, False) == (name == flag), word, part)
        check(good["part"]["state"] == "scored" and good["score"] == 1 and good["part"]["span"] == [0, 2], f"after {word}", good)
    nobody_is_left(before)


@case("an answer that nobody asked for is never taken for the next")
def _(folder):
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  r: {program: [python3, p.py]}\n", "p.py": PROGRAM})
    lines = score(folder, rules, [{"completion": w} for w in ("twice", "a", "twice", "b")], "--rules-allow", "program")
    check([line["score"] for line in lines] == [0.5, 1, 0.5, 1], lines)


@case("what a program starts ends with it; it sees no launcher")
def _(folder):
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  r: {program: [python3, p.py], deadline_ms: 500}\n", "p.py": PROGRAM})
    os.environ["OMPI_SOMETHING"] = "1"
    lines = score(folder, rules, [{"completion": w} for w in ("launcher", "breed", "sleep", "breed")], "--rules-allow", "program")
    del os.environ["OMPI_SOMETHING"]
    check(lines[0]["score"] == 0, lines[0])
    time.sleep(0.2)
    for line in lines[1], lines[3]:
        pid = int(line["part"]["points"])
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                check(") Z" in f.read(), f"{pid} goes on")
        except OSError:
            pass


@case("programs and plugins must be allowed; what cannot be started is refused")
def _(folder):
    one = write(f"{folder}/one.jsonl", '{"completion": ""}\n')
    for kind, keys, says in ("program", "[python3, p.py]", "rules_allow=program"), ("plugin", "./p.so", "rules_allow=plugin"):
        rules = written(folder, **{f"{kind}.yaml": f"version: 1\nrules:\n  r: {{{kind}: {keys}}}\n", "p.py": "", "p.so": "no ELF"})
        rulezero("score", "--rules", rules, one).expect(CONFIG, says, "rule 'r'")
        config = write(f"{folder}/job.yaml", open(GRPO, encoding="utf-8").read())
        rulezero("train", config, f"rules={rules}", f"out={folder}/out").expect(CONFIG, says)
        rulezero("eval", "--model", MODEL, "--data", "countdown", "--rules", rules).expect(CONFIG, says)
    rulezero("score", "--rules", rules, one, "--rules-allow", "plugin").expect(CONFIG, "cannot load it")
    rulezero("score", "--rules", rules, one, "--rules-allow", "plugins").expect(CONFIG, "rules_allow: 'plugins'")
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  r: {program: [no-such-program]}\n"})
    rulezero("score", "--rules", rules, one, "--rules-allow", "program").expect(CONFIG, "cannot start 'no-such-program'")
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  r: {plugin: ./none.so}\n"})
    rulezero("score", "--rules", rules, one, "--rules-allow", "plugin").expect(CONFIG, "r.yaml:3", "none.so")


# ---- plugins ----

PLUGIN = """
#include <signal.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rulezero/reward.h"
static int calls;
static void *begin(const char *params, char *error, size_t size)
{
    if (strcmp(params, "{\\"bad\\":true}")) return &calls;
    snprintf(error, size, "bad is bad");
    return NULL;
}
static void score(void *self, const rz_reward_sample *s, rz_reward_result *r)
{
    const char *word = s->text.s;
    ++*(int *)self;
    r->points = 1;
    if (!strcmp(word, "loop")) for (;;) {}
    if (!strcmp(word, "abort")) abort();
    if (!strcmp(word, "segfault")) { signal(SIGSEGV, SIG_DFL); raise(SIGSEGV); }
    if (!strcmp(word, "exit")) exit(0);
    if (!strcmp(word, "nan")) r->points = NAN;
    if (!strcmp(word, "infinite")) r->points = INFINITY;
    if (!strcmp(word, "large")) r->points = 1e300;
    if (!strcmp(word, "state")) r->state = 77;
    if (!strcmp(word, "span")) r->span_start = 5, r->span_end = 1000;
    if (!strcmp(word, "texts")) memset(r->reason, 0xff, sizeof r->reason), memset(r->found, 'x', sizeof r->found);
    if (!strcmp(word, "memory")) for (size_t i = 0; i < 10240; i++) { char *p = malloc(1 << 20); if (!p) abort(); memset(p, 1, 1 << 20); }
    if (!strcmp(word, "calls")) r->points = calls;
    if (!strcmp(word, "sample")) r->points = s->answer.len == 2 && !s->prompt.s && s->meta.s[0] == '{' && s->n_tokens == 5 && s->truncated == 0 ? 1 : 0;
}
static const rz_reward_plugin plugin = {ABI, begin, score};
const rz_reward_plugin *rz_reward_plugin_entry(void) { return &plugin; }
"""
PLUGIN_WORDS = [("loop", "error", "nondeterministic", "within 0.5 seconds"), ("abort", "error", "crashed", "signal 6"), ("segfault", "error", "crashed", "signal 11"),
                ("exit", "error", "crashed", "status 0"), ("nan", "error", None, "NaN"), ("infinite", "error", None, "infinite"), ("large", "error", None, "1e+300"),
                ("state", "error", None, ""), ("span", "scored", None, "passed"), ("texts", "scored", None, "\ufffd"), ("memory", "error", "crashed", "signal 6"),
                ("sample", "scored", None, "passed")]


def compiled(folder, name="p", abi="RZ_REWARD_ABI"):
    write(f"{folder}/{name}.c", PLUGIN.replace("ABI,", abi + ",", 1) if abi == "RZ_REWARD_ABI" else PLUGIN.replace("ABI,", abi + ","))
    subprocess.run(["cc", "-shared", "-fPIC", "-Irewards/include", "-o", f"{folder}/{name}.so", f"{folder}/{name}.c"], check=True)


@case("a plugin that misbehaves costs one completion")
def _(folder):
    before = helpers()
    compiled(folder)
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  r: {plugin: ./p.so, deadline_ms: 500, memory_mb: 64}\n"})
    sample = {"answer": "42", "meta": {}, "n_tokens": 5}
    lines = score(folder, rules, [dict(sample, completion=text) for word, *_ in PLUGIN_WORDS for text in (word, "calls")], "--rules-allow", "plugin")
    for (word, state, flag, reason), bad, good in zip(PLUGIN_WORDS, lines[::2], lines[1::2]):
        part = bad["part"]
        check(part["state"] == state and reason in part["reason"], word, part)
        check(state != "scored" or part["points"] == 1, word, part)
        for name in "crashed", "nondeterministic":
            check(part.get(name, False) == (name == flag), word, part)
        check(good["part"]["state"] == "scored" and good["part"]["points"] >= 1, f"after {word}", good)
        check(good["part"]["points"] == 1 or not flag, f"after {word} it is the same process", good)
    nobody_is_left(before)


@case("a plugin of another version, or without its symbol, or that refuses its params")
def _(folder):
    one = write(f"{folder}/one.jsonl", '{"completion": ""}\n')
    compiled(folder, "old", "99")
    write(f"{folder}/empty.c", "int nothing;\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{folder}/empty.so", f"{folder}/empty.c"], check=True)
    compiled(folder)
    for keys, says in ("plugin: ./old.so", "version 99"), ("plugin: ./empty.so", "no rz_reward_plugin_entry"), ("{plugin: ./p.so, params: {bad: true}}", "bad is bad"):
        rules = write(f"{folder}/r.yaml", f"version: 1\nrules:\n  r: {keys if keys[0] == '{' else '{' + keys + '}'}\n")
        rulezero("score", "--rules", rules, one, "--rules-allow", "plugin").expect(CONFIG, says, "rule 'r'")


# ---- on a loaded machine ----

@case("the same scores on a loaded machine")
def _(folder):
    rules = write(f"{folder}/r.yaml", LUA % "if c.text:find('spend', 1, true) then for i = 1, 150000 do n = n + i % 3 end end")
    samples = [{"completion": f"<think> {i} spend {i * 7} </think> <answer> {'9 ' * (i % 50)} </answer>"} for i in range(200)]
    samples += [{"completion": "x" * 100000 + " 3 " * i} for i in range(5)]
    calm = score(folder, rules, samples)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4 * CORES)]
    try:
        check(score(folder, rules, samples) == calm, "a score depends on the load")
    finally:
        for p in busy:
            p.kill()
            p.wait()
    check(not any(line["errors"] for line in calm), "errors")


# ---- in training ----

@case("a run with rules in Lua is the same on two ranks")
def _(folder):
    rules = write(f"{folder}/r.yaml", LUA % "if n % 5 == 1 then return nil, 'abstains' elseif n % 11 == 3 then error('on purpose') end")
    before = helpers()
    for name, ranks in ("one", 0), ("two", 2):
        rulezero("train", GRPO, f"rules={rules}", f"out={folder}/{name}", ranks=ranks).expect(OK)
    identical(f"{folder}/one", f"{folder}/two")
    lines = metrics(f"{folder}/one")
    check(sum(line["rewards/made/errors"] for line in lines) > 0 and sum(line["rewards/made/skipped"] for line in lines) > 0, lines)
    check(all(line["rewards/made/crashes"] == line["rewards/made/nondeterministic"] == 0 for line in lines), lines)
    figures = [rulezero("eval", "--model", MODEL, "--data", "countdown", "--rules", rules, "--limit", "32", "--samples", "2", "--json", ranks=ranks).expect(OK).out for ranks in (0, 2)]
    check(timeless(json.loads(figures[0])) == timeless(json.loads(figures[1])), figures)
    nobody_is_left(before)


@case("programs and plugins in training under mpirun")
def _(folder):
    compiled(folder)
    program = "import json, sys\nfor line in sys.stdin:\n    print(len(json.loads(line)['text']) % 9 / 10, flush=True)\n"
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  a: {program: [python3, p.py]}\n  b: {plugin: ./p.so}\n", "p.py": program})
    before = helpers()
    for name, ranks in ("one", 0), ("two", 2):
        rulezero("train", GRPO, f"rules={rules}", f"out={folder}/{name}", "rules_allow=program,plugin", ranks=ranks).expect(OK)
    identical(f"{folder}/one", f"{folder}/two")
    nobody_is_left(before)


@case("a rule that loops now and then: strict ends the run, else it is counted")
def _(folder):
    text = (LUA % "if n % 9 == 4 then while true do end end").replace("    lua:", "    instructions: 2000000000\n    deadline_ms: 60\n    lua:")
    rules = write(f"{folder}/r.yaml", text)
    before = helpers()
    rulezero("train", GRPO, f"rules={rules}", f"out={folder}/strict", ranks=2).expect(75, "rule 'made' was ended by the clock", "strict=false")
    rulezero("train", GRPO, f"rules={rules}", f"out={folder}/loose", "strict=false", "steps=2", ranks=2).expect(OK)
    check(sum(line["rewards/made/nondeterministic"] for line in metrics(f"{folder}/loose")) > 0, "nothing was counted")
    rulezero("eval", "--model", MODEL, "--data", "countdown", "--rules", rules, "--limit", "32").expect(OK, "rule errors: 0 crashed", "ended by the clock")
    nobody_is_left(before)


@case("crashes are counted and the run goes on")
def _(folder):
    program = "import json, os, sys\nfor line in sys.stdin:\n    n = len(json.loads(line)['text'])\n    if n % 4 == 1: os.abort()\n    print(n % 9 / 10, flush=True)\n"
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  a: {program: [python3, p.py]}\n", "p.py": program})
    rulezero("train", GRPO, f"rules={rules}", f"out={folder}/run", "rules_allow=[program]", "steps=2", ranks=2).expect(OK)
    lines = metrics(f"{folder}/run")
    check(all(0 < line["rewards/a/crashes"] == line["rewards/a/errors"] < 28 for line in lines), lines)


@case("another Lua file, plugin or program is another rule: a run does not go on with it")
def _(folder):
    compiled(folder)
    program = "import sys\nfor line in sys.stdin:\n    print(1, flush=True)\n"
    rules = written(folder, **{"r.yaml": "version: 1\nrules:\n  a: {program: [python3, p.py]}\n  b: {plugin: ./p.so}\n  c: {kind: lua, file: c.lua}\n", "p.py": program,
                               "c.lua": "function score(c) return #c.text / 100 end\n"})
    job = ["train", GRPO, f"rules={rules}", f"out={folder}/run", "rules_allow=program,plugin"]
    rulezero(*job).expect(OK)
    for name, text in ("p.py", "# another\n"), ("p.so", "\0"), ("c.lua", "-- another\n"):
        with open(f"{folder}/{name}", "rb") as f:
            old = f.read()
        with open(f"{folder}/{name}", "ab") as f:
            f.write(text.encode())
        rulezero(*job).expect(CONFIG, "the rules")
        with open(f"{folder}/{name}", "wb") as f:
            f.write(old)
    rulezero(*job).expect(OK)


@case("a killed job leaves no helper")
def _(folder):
    rules = write(f"{folder}/r.yaml", LUA % "")
    before = helpers()
    job = start(["train", GRPO, f"rules={rules}", f"out={folder}/run", "steps=1000"], ranks=2, session=True)
    check(wait_for(lambda: count_lines(f"{folder}/run/metrics.jsonl") > 0, job), "it has ended")
    check(len(helpers() - before) == 4, f"{helpers() - before}: a supervisor and a worker for each rank")
    for pid in session_of(job):
        if pid not in helpers():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    finish(job)
    nobody_is_left(before)


main()
