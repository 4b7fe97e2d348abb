"""rules list, show, test, diff, bench, parity; score with groups."""
import re
import xml.etree.ElementTree

from common import *

RULES = "configs/rules/countdown.yaml"
META = {"numbers": [3, 5, 4], "target": 32}


def rules(*arguments, timeout=120):
    return rulezero("rules", *arguments, timeout=timeout)


def write(path, *lines):
    with open(path, "w", encoding="utf-8") as f:
        for line in lines:
            f.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    return path


def completion(answer, think="3 + 5 = 8"):
    return f"<think> {think} </think> <answer> {answer} </answer>"


def one_line(folder, name, line):
    """A rule file of one rule."""
    return write(f"{folder}/{name}.yaml", f"version: 1\nrules:\n  {line}")


@case("every part has its help, and a wrong word is answered with the right one")
def _(folder):
    told = rules("--help").expect(OK).out
    parts = re.findall(r"^  rulezero rules (\w+) +\S", told, re.MULTILINE)
    check({"list", "show", "test", "diff", "bench", "parity", "lint", "attack"} >= set(parts) and len(parts) >= 6, told)
    for part in parts:
        text = rules(part, "--help").expect(OK, f"usage: rulezero rules {part}").out
        check(re.search(rf"^example: build/rulezero rules {part}\b", text, re.MULTILINE), text)
    rules("tset").expect(USAGE, "did you mean 'rules test'").sentence()
    rules().expect(USAGE, "rules --help").sentence()
    rules("nothing-like-it").expect(USAGE, "rules --help").sentence()


@case("list names what there is, as JSON too")
def _(folder):
    everything = rules("list", "--json").expect(OK)
    found = json.loads(everything.out)
    check(found["schema"] == 1 and not everything.err, everything)
    names = {sort: [e["name"] for e in found[sort]] for sort in ("kinds", "presets", "comparers", "normalisers")}
    check({"match", "tags", "compare", "count", "soft_overlong"} <= set(names["kinds"]) and {"string", "decimal"} <= set(names["comparers"]), names)
    text = rules("list").expect(OK).err
    for sort in names.values():
        for name in sort:
            check(name in text, f"rules list says nothing of {name}")


@case("show tells of an entry; its example is a rule file")
def _(folder):
    shown = rules("show", "compare").expect(OK, "a kind of rule")
    write(f"{folder}/made.yaml", shown.out)
    write(f"{folder}/c.jsonl", {"completion": "<answer>1,000.0</answer>", "answer": "1000"})
    told = json.loads(rulezero("score", "--rules", f"{folder}/made.yaml", f"{folder}/c.jsonl").expect(OK).out)
    check(told["correct"] and told["score"] == 1, told)
    rules("show", "soft_overlong").expect(OK, "parameters", "cache", "-1 to 0 points")
    rules("show", "compar").expect(USAGE, "did you mean 'compare'").sentence()
    rules("show").expect(USAGE, "one name").sentence()


CASES = [{"name": "right", "completion": completion("(3+5)*4"), "meta": META, "expect": {"score": 1.1, "correct": True, "parts": {"correct": 1}}},
         {"name": "wrong", "completion": completion("3+5+4"), "meta": META, "expect": {"score": 0.1, "parts": {"correct": {"reason": "its value is 12"}}}}]
WRONG = {"name": "pays <too> much # of \u202e it", "completion": completion("3+5+4"), "meta": META, "expect": {"score": 1.1, "parts": {"correct": {"points": 1}}}}


@case("test passes what is right, and tells what fails and why")
def _(folder):
    path = write(f"{folder}/countdown.cases.jsonl", *CASES)
    shutil.copy(RULES, f"{folder}/countdown.yaml")
    rules("test", f"{folder}/countdown.yaml").expect(OK, "2 cases passed")
    rules("test", RULES, path).expect(OK)
    bad = write(f"{folder}/bad.jsonl", *CASES, WRONG)
    told = rules("test", RULES, bad).expect(DATA, "bad.jsonl:3", "score is 0.1, expected 1.1", "points is 0, expected 1", "its value is 12", "1 of 3 cases failed")
    check("bad.jsonl:1" not in told.err and not told.out, told)
    rules("test", f"{folder}/absent.yaml").expect(IO)
    rules("test", RULES).expect(USAGE, "countdown.cases.jsonl", "write them").sentence()
    rules("test").expect(USAGE, "rule file").sentence()
    rules("test", RULES, write(f"{folder}/e.jsonl", "")).expect(DATA, "no cases").sentence()
    rules("test", RULES, write(f"{folder}/n.jsonl", {"completion": "x"})).expect(DATA, "n.jsonl:1", "expect").sentence()
    rules("test", RULES, write(f"{folder}/u.jsonl", {"completion": "x", "expect": {"parts": {"corect": 1}}})).expect(DATA, "u.jsonl:1", "no rule 'corect'").sentence()


@case("test speaks TAP and JUnit")
def _(folder):
    bad = write(f"{folder}/bad.jsonl", *CASES, WRONG)
    told = rules("test", RULES, bad, "--tap", "--junit", f"{folder}/r.xml").expect(DATA)
    lines = told.out.splitlines()
    check(lines[:4] == ["TAP version 13", "1..3", "ok 1 - line 1: right", "ok 2 - line 2: wrong"], told)
    check(lines[4].startswith("not ok 3 - line 3: pays <too> much ? of") and all(line.startswith("#") for line in lines[5:]) and len(lines) > 6, told)
    suite = xml.etree.ElementTree.parse(f"{folder}/r.xml").getroot().find("testsuite")
    check(suite.get("tests") == "3" and suite.get("failures") == "1" and len(suite.findall("testcase")) == 3, told_of(suite))
    failure = suite.findall("testcase")[2].find("failure")
    check("score is 0.1" in failure.text and "its value is 12" in failure.text and "<too>" in suite.findall("testcase")[2].get("name"), told_of(suite))


def told_of(element):
    return xml.etree.ElementTree.tostring(element, encoding="unicode")


@case("diff tells which cases two rule files judge differently")
def _(folder):
    cases = write(f"{folder}/c.jsonl", *CASES, {"completion": "nothing", "meta": META})
    rules("diff", RULES, RULES, cases).expect(OK, "0 of 3 cases change")
    with open(RULES, encoding="utf-8") as f:
        text = f.read()
    other = write(f"{folder}/other.yaml", text.replace("weight: 0.1", "weight: 0.2").replace("clamp: [0, 1.1]", "clamp: [0, 1.2]"))
    told = rules("diff", RULES, other, cases).expect(DIFFERENT, "2 of 3 cases change", "score 1.1 -> 1.2", "score 0.1 -> 0.2")
    check("line 3" not in told.err, told)
    strict = write(f"{folder}/strict.yaml", text.replace("tags: [think, answer]", "{tags: [think, answer], min_words: 9}").replace("score: {pass: 1, fail: 0}\n    weight", "weight")
                   .replace("{tags: [think, answer], min_words: 9}", "tags: [think, answer]\n    min_words: 9"))
    out = [json.loads(line) for line in rules("diff", RULES, strict, cases, "--json").expect(DIFFERENT).out.splitlines()]
    check([o.get("line") for o in out] == [1, 2, None] and out[0]["correct"] == [True, False] and out[0]["parts"]["correct"][1]["state"] == "skipped", out)
    check(out[2]["changed"] == 2 and out[2]["less"] == 2 and out[2]["correct"] == [1, 0], out)
    rules("diff", RULES, RULES).expect(USAGE, "A B CASES").sentence()


@case("bench tells speed by rule, and ratios within one run")
def _(folder):
    cases = write(f"{folder}/c.jsonl", *CASES)
    out = [json.loads(line) for line in rules("bench", RULES, "configs/rules/gsm8k.yaml", "--json", "--seconds", "0").expect(OK).out.splitlines()]
    check([o["rules"] for o in out] == [RULES, "configs/rules/gsm8k.yaml"] and out[0]["ratio_to_first"] == 1 and out[1]["ratio_to_first"] > 0, out)
    check(4000 < out[0]["mean_bytes"] < 4200 and [r["rule"] for r in out[0]["by_rule"]] == ["format", "correct"] and out[0]["completions_per_s"] > 100, out)
    out = json.loads(rules("bench", RULES, cases, "--json", "--seconds", "0").expect(OK).out)
    check(out["cases"] == 2 and out["median_us"] <= out["max_us"], out)
    rules("bench", cases).expect(USAGE, "rule file").sentence()
    rules("bench", RULES, "--seconds", "0").expect(OK, "completions/s on one core", "format", "correct")


@case("parity counts by function, and tells each disagreement")
def _(folder):
    path = write(f"{folder}/p.jsonl", {"id": "aaaa", "system": "nobody", "function": "f", "params": {}, "completion": "xyz", "expected": 1.0},
                 {"id": "bbbb", "system": "reasoning-gym", "function": "no_such.score_answer", "params": {}, "completion": "q", "expected": 0})
    told = json.loads(rules("parity", "--json", path).expect(OK).out)
    check(told["schema"] == 1 and [(f["file"], f["function"], f["agreed"], f["total"]) for f in told["functions"]] ==
          [(path, "f", 0, 1), (path, "no_such.score_answer", 0, 1)], told)
    rules("parity", path).expect(OK, "aaaa nobody f", '"xyz"', "no preset stands", "bbbb", "in all")
    rules("parity").expect(USAGE, "FILE.jsonl").sentence()
    rules("parity", write(f"{folder}/q.jsonl", {"system": "s"})).expect(DATA, "q.jsonl:1").sentence()


RIGHT = {"completion": "<think>\nso it is\n</think>\n<answer>\n42\n</answer>", "answer": "42"}


@case("attack finds the holes of a preset and tells the text, and nothing on a shipped file")
def _(folder):
    cases = write(f"{folder}/c.jsonl", {"completion": "wrong", "answer": "42"}, RIGHT)
    told = rules("attack", "configs/rules/gsm8k.yaml", cases).expect(OK, "0 holes", "1 right completion")
    check(not told.out, told)
    loose = one_line(folder, "loose", "r: {extract: {tag: answer, pick: first}, compare: int}")
    rules("attack", loose, cases).expect(DATA, "answer taken back", "-98765", "made of line 2", "rule 'r'", "passed")
    out = [json.loads(line) for line in rules("attack", loose, cases, "--json").expect(DATA).out.splitlines()]
    check(out[-1]["holes"] == len([o for o in out[:-1] if o["taken_as"] != "lost"]) > 0 and out[-1]["good_cases"] == 1, out[-1])
    hole = next(o for o in out if o.get("hack") == "answer taken back")
    check(hole["taken_as"] == "right" and hole["line"] == 2 and hole["score"] == hole["right"] == 1 and "-98765" in hole["completion"], hole)
    again = json.loads(rulezero("score", "--rules", loose, write(f"{folder}/h.jsonl", {"completion": hole["completion"], "answer": "42"})).expect(OK).out)
    check(again["score"] == 1, "the text that was told does not do what was told of it", again)
    rules("attack", loose).expect(USAGE, "R CASES").sentence()
    rules("attack", loose, write(f"{folder}/w.jsonl", {"completion": "wrong", "answer": "42"})).expect(DATA, "right completions").sentence()


@case("lint points at hazards, with inputs that do what is told of them")
def _(folder):
    bad = one_line(folder, "bad", "slow: {match: '(a|aa)+b'}\n  r: {extract: {tag: answer, pick: first}, compare: int}")
    told = rules("lint", bad).expect(DATA, "bad.yaml:3:18: error: rule 'slow': alternatives that begin alike", "(catastrophic)", "remedy:", "(first match)", "taken for right")
    check(not told.out, told)
    found = json.loads(rules("lint", bad, "--json").expect(DATA).out)
    check(found["schema"] == 1 and found["errors"] >= 2 and found["hacks_tried"], found)
    slow = next(f for f in found["findings"] if f["check"] == "catastrophic")
    hack = next(f for f in found["findings"] if f["check"] == "first match")
    check((slow["line"], slow["column"], slow["level"], slow["rule"]) == (3, 18, "error", "slow") and len(slow["input"]) < 100, slow)
    path = write(f"{folder}/i.jsonl", *({"completion": f["input"], "answer": "42"} for f in (slow, hack)))
    scores = [json.loads(line) for line in rulezero("score", "--rules", bad, path).expect(OK).out.splitlines()]
    check(scores[0]["errors"] == ["slow"] and scores[1]["correct"], "the inputs do not do what was told of them", scores)
    rules("lint", RULES).expect(OK, "0 errors, 0 warnings")
    warned = one_line(folder, "warned", "f: {match: '<a>(?<n>[^<]+)</a>'}")
    rules("lint", warned).expect(OK, "1 warning", "unused group")
    rules("lint", warned, "--strict").expect(DATA)
    rules("lint", "open-r1/format").expect(DATA, "known holes", "two whole copies", "(empty think)", "(loose form)")
    rules("lint").expect(USAGE, "rule file").sentence()


@case("lint finds no errors in the rule files that come with the program")
def _(folder):
    names = [f["name"] for f in json.loads(rules("list", "--json").expect(OK).out)["files"]]
    check(len(names) > 30, names)
    for name in names:
        rules("lint", name).expect(OK, "0 errors")


@case("the rule files that come with cases pass them, and attacks find nothing")
def _(folder):
    names = sorted(f[:-12] for f in os.listdir("configs/rules") if f.endswith(".cases.jsonl"))
    check(len(names) >= 3, names)
    for name in names:
        rules("test", f"configs/rules/{name}.yaml").expect(OK, "cases passed")
        rules("attack", f"configs/rules/{name}.yaml", f"configs/rules/{name}.cases.jsonl").expect(OK, "0 holes")


@case("attack finds nothing on the rules of the tasks")
def _(folder):
    names = sorted(f[:-5] for f in os.listdir("configs/rules/tasks"))
    check(len(names) >= 20, names)
    for name in names:
        problems = [json.loads(line) for line in rulezero("data", "make", name, "--count", "8", "--seed", "5", "-o", "-").expect(OK).out.splitlines()]
        for p in problems:
            p["completion"] = RIGHT["completion"].replace("42", p["answer"])
        rules("attack", f"configs/rules/tasks/{name}.yaml", write(f"{folder}/{name}.jsonl", *problems)).expect(OK, "0 holes", "8 right completions")


@case("score: lines of one group are scored together, in their order")
def _(folder):
    lines = [{"completion": completion("(3+5)*4"), "meta": META, "group": g} if g is not None else {"completion": "x", "meta": META} for g in (1, 1, None, "a", "a", 1)]
    told = [json.loads(line) for line in rulezero("score", "--rules", RULES, write(f"{folder}/g.jsonl", *lines)).expect(OK).out.splitlines()]
    check([t["correct"] for t in told] == [True, True, False, True, True, True], told)
    rulezero("score", "--rules", RULES, write(f"{folder}/b.jsonl", {"completion": "x", "group": []})).expect(DATA, "b.jsonl:1", "group").sentence()


main(2)
