"""The report of a run: a page that is whole, says what the logs say, and never fails for what a run directory lacks; and the diagnosis on the way."""
import html.parser
import re

from common import *

KEYS = ["checkpoint.every=2", "eval.every=2"]
made_folder = tempfile.mkdtemp(prefix="rulezero-made-")
made, making = {}, threading.Lock()


def run_of(name, *words):
    """A finished run, made once: (folder, what it said)."""
    with making:
        if name not in made:
            made[name] = rulezero(*words, f"out={made_folder}/{name}", timeout=500).expect(OK)
    return f"{made_folder}/{name}", made[name]


def the_run():
    return run_of("run", "train", GRPO, *KEYS)[0]


class Page(html.parser.HTMLParser):
    """Tags balanced, ids unique, nothing loaded or run; texts and charts taken out."""
    VOID = {"meta", "circle", "path", "polyline"}

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.words, self.lines, self.table, self.rows = [], [], [], [], None, []
        with open(path, encoding="utf-8") as f:  # valid UTF-8, or it raises
            self.source = f.read()
        self.feed(self.source)
        self.close()
        check(not self.open, f"never closed: {self.open}")
        check(len(self.ids) == len(set(self.ids)), f"ids twice: {self.ids}")
        check("default-src 'none'" in self.source and "script-src" not in self.source, "no content policy")
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        check(tag not in ("script", "iframe", "img", "link", "object", "embed", "base", "form", "a"), f"<{tag}>")
        check(not [k for k in a if k.startswith("on") or k in ("src", "href", "xlink:href", "srcset")], f"{tag} {a}")
        check(len(a) == len(attributes), f"an attribute twice in {tag} {attributes}")
        if "id" in a:
            self.ids.append(a["id"])
        if tag == "polyline":
            self.lines.append([tuple(map(float, p.split(","))) for p in a["points"].split()])
        if a.get("id") == "evaluation-table":
            self.table = self.rows
        if tag == "tr" and self.table is not None:
            self.table.append([])
        if tag in ("td", "th") and self.table is not None:
            self.table[-1].append([a.get("data-value"), ""])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        check(tag in self.VOID, f"<{tag}/>")

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}")
        self.open.pop()
        if tag == "table":
            self.table = None

    def handle_data(self, data):
        check("\x1b" not in data and "\u202e" not in data, repr(data))
        self.words.append(data)
        if self.table and self.table[-1] and self.open[-1] != "tr" and data.strip():
            self.table[-1][-1][1] += data

    def charts_in_box(self):
        for line in self.lines:
            check(line and all(44 <= x <= 472 and 8 <= y <= 182 for x, y in line), line)
            check(line == sorted(line, key=lambda p: p[0]), "x does not rise")
        return len(self.lines)


def report(run, folder, name="report.html"):
    path = f"{folder}/{name}"
    result = rulezero("report", run, "-o", path).expect(OK, f"report: {path}")
    check(not result.out, result)
    page = Page(path)
    page.charts_in_box()
    return page


def shown(value, text):
    """Is this what a person is shown of the value? Rounded to three figures, or to a tenth of a percent."""
    number = text.split(" [")[0].strip()
    if value is None:
        return number == "–"
    scale = {"k": 1e3, "M": 1e6}.get(number[-1], 1)
    if number.endswith("%"):
        return abs(float(number[:-1]) / 100 - value) <= 0.00051
    return abs(float(number.rstrip("kM")) * scale - value) <= 0.0051 * abs(value) + 1e-12


# ---- what it says ----

@case("a finished run leaves its report, and the command writes the same bytes")
def _(folder):
    run, said = run_of("run", "train", GRPO, *KEYS)
    check(said.err.rstrip().splitlines()[-1] == f"report: {run}/report.html", said)
    before = digest(f"{run}/report.html")
    report(run, folder)
    check(digest(f"{folder}/report.html") == before, "another report of the same run")
    rulezero("report", run).expect(OK)
    check(digest(f"{run}/report.html") == before, "not the same in place")
    rulezero("report", run + "/").expect(OK, f"report: {run}/report.html")
    check(digest(f"{run}/report.html") == before, "another report when a slash is behind")
    page = Page(f"{run}/report.html")
    for words in "The run is finished", "Curves", "Evaluations", "Samples", "To go on", "rule file", f"out={run}-seed2", "expr_uses_numbers", "kernels":
        check(words in page.text, f"nothing of '{words}'")
    check(page.charts_in_box() >= 12, f"{len(page.lines)} lines")
    check(page.text.count("numbers") > 8 and "✗ wrong" in page.text and "why this score" in page.text, page.text)
    check("group_size" in page.text.split("What differs from the defaults")[1].split("config.yaml as resolved")[0], "the config's changes")
    rulezero(*["train", GRPO, *KEYS], f"out={run}").expect(OK, f"report: {run}/report.html")


@case("kinds of problems have their figures in every step, in evaluations and in the report")
def _(folder):
    for name, count, seed in ("train", 40, 1), ("held-out", 12, 2):
        rulezero("data", "make", "countdown", "numbers=2", "max_input=20", "max_value=40", "--count", count, "--seed", seed, "-o",
                 f"{folder}/{name}.jsonl").expect(OK)
        problems = lines_of(f"{folder}/{name}.jsonl")
        for i, p in enumerate(problems):
            p["meta"]["kind"] = ["odd", "even", "<b>"][i % 3]
        with open(f"{folder}/{name}.jsonl", "w") as f:
            f.writelines(json.dumps(p) + "\n" for p in problems)
    rulezero("train", GRPO, *KEYS, f"data={folder}/train.jsonl", f"eval.data={folder}/held-out.jsonl", f"out={folder}/run").expect(OK)
    steps, evaluations = lines_of(f"{folder}/run/metrics.jsonl"), lines_of(f"{folder}/run/eval.jsonl")
    for line in steps:
        shares = [v for k, v in line.items() if k.startswith("accuracy/kind/")]
        check(shares and min(shares) <= line["accuracy/mean"] <= max(shares), line)
    names = {k for line in steps for k in line if k.startswith("accuracy/kind/")}
    check(names == {"accuracy/kind/odd", "accuracy/kind/even", "accuracy/kind/other"}, names)
    check(all(f"{name}_low" in line for line in evaluations for name in names), evaluations)
    page = report(f"{folder}/run", folder)
    check("Right by kind of problem" in page.text and "accuracy/well_formed/even" in page.text and "<b>" not in page.text, page.text)


@case("every number of the evaluation table is that of eval.jsonl")
def _(folder):
    run = the_run()
    evaluations, page = lines_of(f"{run}/eval.jsonl"), report(run, folder)
    check([c[1] for c in page.rows[0]] == ["after step"] + [str(e["step"]) for e in evaluations], page.rows[0])
    names = [k for k in evaluations[0] if k not in ("schema", "step") and not re.search("_(low|high|se)$", k)]
    check([row[0][1] for row in page.rows[1:]] == names and len(names) >= 7, names)
    for row in page.rows[1:]:
        name = row[0][1]
        for e, (exact, text) in zip(evaluations, row[1:]):
            check(exact == "" if e[name] is None else float(exact) == e[name], name, exact, e[name])
            check(shown(e[name], text), name, text, e[name])
            low, high = e.get(f"{name}_low"), e.get(f"{name}_high")
            if low is not None and high is not None:
                a, b = re.search(r"\[(.*), (.*)\]", text).groups()
                scale = 100 if "%" in text else 1
                for bound, value in (a, low), (b, high):
                    check(shown(value * scale, bound) or abs(float(bound) - value * scale) <= 0.051, name, text, low, high)
    for line in evaluations[0], evaluations[-1]:
        check(f"{100 * line['accuracy']:.1f}% [" in page.text, "the headline")


@case("the shipped quick job: nothing looks wrong, and the headline is right")
def _(folder):
    run, said = run_of("quick", "train", "configs/quick.yaml")
    first, last = lines_of(f"{run}/eval.jsonl")
    page = report(run, folder)
    lede = page.text.split("The run is finished")[0]
    for e in first, last:
        low, high = (100 * e[f"accuracy_{side}"] for side in ("low", "high"))
        for text in page.text, said.err:
            check(f"{100 * e['accuracy']:.1f}% [{low:.1f}, {high:.1f}]" in text, f"{e} is not in {lede}")
    tokens = sum(line["tokens/sampled"] for line in metrics(run))
    check(f"160 steps" in lede and f"{tokens:,} tokens" in lede, lede)
    check("What looks wrong" not in page.text and "looked wrong" not in said.err, page.text[:2000])
    with open(f"{run}/log.txt", encoding="utf-8") as f:
        check("Steps" not in f.read(), "a finding in log.txt")


@case("a control run, a pretraining, and a base that was made in the run")
def _(folder):
    page = report(run_of("control", "train", GRPO, "reward=random", "eval.problems=0")[0], folder)
    check("A control run: the reward is a coin" in page.text and "Evaluations" not in page.text, page.text[:500])
    run, said = run_of("base", "pretrain", BASE)
    page = report(run, folder)
    check("The loss was" in page.text and "Samples" not in page.text and page.lines, page.text[:500])
    check(said.err.rstrip().endswith(f"report: {run}/report.html"), said)
    both, _ = run_of("both", "train", GRPO, "model=", "pretrain.steps=5", "arch.hidden_size=32", "arch.num_hidden_layers=1")
    page = report(both, folder)
    check("Its base was made first: 5 steps" in page.text and "Pretraining of the base" in page.text, page.text[:800])


@case("what went wrong on the way: updates left out, a run that went back, a job that was started again")
def _(folder):
    check(not re.search("left out, for|went back to|was started", report(the_run(), folder).text), "of a run in which nothing was")
    job = ["train", GRPO, "steps=8", "eval.problems=0", "checkpoint.every=2", f"out={folder}/run"]
    rulezero(*job, "fault=" + json.dumps(["nan:what=gradient,step=3,times=3", "nan:what=gradient,step=7,windows=2", "kill:step=8"])).expect(-signal.SIGKILL)
    rulezero(*job, "fault=" + json.dumps(["nan:what=gradient,step=3,times=3", "nan:what=gradient,step=7,windows=2", "kill:step=8"])).expect(OK)
    page = report(f"{folder}/run", folder)
    for words in "The job was started 2 times", "4 updates were left out", "went back to a checkpoint 1 time,":
        check(words in page.text, f"nothing of '{words}'", page.text[:1500])


# ---- what it bears ----

def copied(folder, name="copy"):
    return shutil.copytree(the_run(), f"{folder}/{name}")


@case("runs that are going on, were killed or are damaged have a report too")
def _(folder):
    run = copied(folder)
    log = f"{run}/metrics.jsonl"
    with open(log, "rb") as f:
        whole = f.read()
    first, second = whole.splitlines(True)[:2]

    def told(*words):
        page = report(run, folder)
        for word in words:
            check(word in page.text, f"nothing of '{word}'\n{page.text[:600]}")
        return page

    os.remove(f"{run}/model.h5")
    told("or was stopped")
    with open(log, "wb") as f:
        f.write(first + second + whole[len(first + second):][:300])  # a line that was being written
    told("Step 2 of 4", "could not be read 1")
    for name in "checkpoints", "rollouts":
        for file in os.listdir(f"{run}/{name}"):
            with open(f"{run}/{name}/{file}", "r+b") as f:
                f.truncate(900)
    told("Step 2 of 4")
    with open(log, "wb") as f:
        f.write(first)
    shutil.rmtree(f"{run}/eval")
    with open(f"{run}/eval.jsonl", "w") as f:
        f.write(json.dumps({"schema": 1, "step": 0, "accuracy": None}) + "\n")
    told("Step 1 of 4", "Evaluations")
    os.remove(f"{run}/eval.jsonl")
    check("Evaluations" not in told("Step 1 of 4").text, "evaluations of nothing")
    with open(log, "w") as f:
        f.write("".join(json.dumps({"schema": 1, "step": i, "reward/mean": None if i % 3 else 0.5, "grad_norm": 1e300 if i % 2 else -1e300, "entropy": None}) +
                        "\n" for i in range(1, 50)))
    told("Reward", "Gradient norm")
    open(log, "w").close()
    told("No step has been finished yet")
    os.remove(log)
    told("No step has been finished yet", "config.yaml as resolved")
    with open(f"{run}/config.yaml", "a") as f:
        f.write("nonsense: [\n")
    told("nonsense")
    os.remove(f"{run}/config.yaml")
    with open(log, "wb") as f:
        f.write(whole)
    told("Reward")


@case("a hundred thousand steps make a page of ordinary size, in seconds")
def _(folder):
    os.mkdir(f"{folder}/long")
    with open(f"{folder}/long/metrics.jsonl", "w") as f:
        for i in range(1, 100001):
            f.write('{"schema":1,"step":%d,"reward/mean":%.4f,"accuracy/mean":%.4f,"completions/mean_length":%d,"time/step_s":0.5,"time/elapsed_s":%.1f}\n'
                    % (i, i / 1e5 + (i * 7919 % 1000) / 1e4, i / 1e5, 50 + i % 13, i / 2 % 30000 + 100))
    begin = time.monotonic()
    page = report(f"{folder}/long", folder)
    check(time.monotonic() - begin < 30 and len(page.source) < 400000, f"{time.monotonic() - begin:.1f} s, {len(page.source)} bytes")
    check("100,000 steps, 13 h 56 min" in page.text, page.text[:600])  # two starts, of 30,099.5 s and 20,100 s
    check(max(len(line) for line in page.lines) == 214 and "100k" in page.text, "not thinned")


@case("many pass@ leave maj@ its line")
def _(folder):
    os.mkdir(f"{folder}/run")
    with open(f"{folder}/run/metrics.jsonl", "w") as f:
        f.write('{"step": 1, "reward/mean": 1}\n')
    with open(f"{folder}/run/eval.jsonl", "w") as f:
        for step in 0, 10:
            f.write(json.dumps({"step": step, "accuracy": .1, **{f"pass@{2 ** i}": .1 * i for i in range(8)}, "maj@128": .2}) + "\n")
    chart = report(f"{folder}/run", folder).source.split("One right of K")[1].split("</figure>")[0]
    check(all(f">{name}</span>" in chart for name in ("pass@1", "pass@16", "maj@128")), chart)


@case("names and texts from a run directory are only ever text")
def _(folder):
    evil = "<script>alert(1)</script>\"'&\u202e"
    run = f"{folder}/{evil.replace('/', '|')}"
    shutil.copytree(the_run(), run)
    with open(f"{run}/metrics.jsonl", encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    with open(f"{run}/metrics.jsonl", "w", encoding="utf-8") as f:
        for line in lines:
            f.write(json.dumps({**line, f"rewards/{evil}/mean": 0.5}, ensure_ascii=False) + "\n")
    with open(f"{run}/eval.jsonl", "w", encoding="utf-8") as f:
        f.write(json.dumps({"step": 0, "accuracy": 0.5, evil: 3, "</table>": 1}, ensure_ascii=False) + "\n")
    with open(f"{run}/config.yaml", "a", encoding="utf-8") as f:
        f.write(f"# {evil} </pre>\n")
    page = report(run, folder)
    check(page.text.count("<script>alert(1)") >= 5 and page.text.count("[U+202E]") >= 5, page.text)


@case("what cannot be reported is said in a sentence")
def _(folder):
    run = the_run()
    os.mkdir(f"{folder}/empty")
    for words, status in (([], USAGE), ([run, run], USAGE), ([run, "-o"], USAGE), ([run, "--html"], USAGE), ([f"{folder}/none"], IO), (["LICENSE"], DATA),
                          ([f"{folder}/empty"], DATA)):
        rulezero("report", *words).expect(status).sentence()
    for path in f"{folder}/none/x.html", f"{folder}/empty":
        result = rulezero("report", run, "-o", path)
        check(result.status in (CREATE, IO), result)
        check(path in result.sentence(), result)
    check(not os.listdir(f"{folder}/empty") and sorted(os.listdir(folder)) == ["empty"], os.listdir(folder))
    os.mkfifo(f"{folder}/pipe")
    os.symlink(f"{folder}/pipe", f"{folder}/link")
    for name in "pipe", "link":  # as /dev/null is, which root would lose
        check(f"{name} is a device or a pipe" in rulezero("report", run, "-o", f"{folder}/{name}").expect(CREATE).sentence(), name)
    check(sorted(os.listdir(folder)) == ["empty", "link", "pipe"] and os.path.islink(f"{folder}/link"), os.listdir(folder))
    blocked = copied(folder)
    os.remove(f"{blocked}/report.html")
    os.mkdir(f"{blocked}/report.html")
    rulezero("train", GRPO, *KEYS, f"out={blocked}").expect(OK, "no report: ", f"run directory: {blocked}")


# ---- diagnosis on the way ----

@case("a job that cannot succeed says why, once, also when it is resumed")
def _(folder):
    words = ["train", GRPO, "steps=14", "rollout.max_new=3", "checkpoint.every=1", "checkpoint.keep=20", "eval.problems=0", f"out={folder}/run"]

    def findings():
        with open(f"{folder}/run/log.txt", encoding="utf-8") as f:
            return re.findall(r"Steps (\d+ to \d+): (.*)$", f.read(), re.MULTILINE)

    result = rulezero(*words).expect(OK, "looked wrong on the way")
    told = findings()
    check(len(told) == 2 and all(steps == "1 to 10" for steps, _ in told), told)
    for text in "no completion was right", "cut at the length limit":
        check(sum(text in t for _, t in told) == 1, told)
    for _, text in told:
        check(result.err.count(text) == 1, result)
        check(text in Page(f"{folder}/run/report.html").text, text)
    page = digest_timeless(f"{folder}/run")
    for step, again in (12, 0), (9, len(told)):  # 12: said before the checkpoint, 9: its steps come again
        for name in os.listdir(f"{folder}/run/checkpoints"):
            if int(name[5:11]) > step:
                os.remove(f"{folder}/run/checkpoints/{name}")
        before = len(findings())
        rulezero(*words, ranks=2 if step == 9 else 0).expect(OK)
        check(len(findings()) == before + again, findings())
        check(digest_timeless(f"{folder}/run") == page, "another diagnosis after resuming")


def digest_timeless(run):
    return Page(f"{run}/report.html").text.split("What looks wrong")[1].split("Curves")[0]


if __name__ == "__main__":
    try:
        main(workers=2)
    finally:
        shutil.rmtree(made_folder, ignore_errors=True)
