"""rulezero launch: what it does with signals and exit statuses, and that a job that was killed under it ends in the same bits. Stopping a job by a file."""
import glob

from common import *

STEPS = 8
JOB = ["train", GRPO, f"steps={STEPS}", "prompts_per_step=4", "rollout.max_new=16"]
SLOW = "portable"  # the same bits, and time to interfere

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # launch, our child, leaves a signal ignored that nohup had ignored

truth_folder = tempfile.mkdtemp(prefix="rulezero-truth-")
truth_lock = threading.Lock()


def truth():
    out = f"{truth_folder}/run"
    with truth_lock:
        if not os.path.exists(f"{out}/model.h5"):
            rulezero(*JOB, f"out={out}").expect(OK)
    return out


def steps_done(out):
    return count_lines(f"{out}/metrics.jsonl")


def touch(path):
    open(path, "w").close()


def touch_when(process, condition, path):
    try:
        check(wait_for(condition, process), "the job ended before it was asked to stop")
        touch(path)
        return finish(process)
    finally:
        process.kill()


# ---- the file `stop` ----

def stopped_by_file(ranks):
    def attempt(folder):
        out = f"{folder}/run"
        job = JOB + [f"out={out}", "checkpoint.every=100"]
        touch_when(start(job, ranks, cpu=SLOW), lambda: steps_done(out) >= 2, f"{out}/stop").expect(STOPPED, "stopped at step", "by the file `stop`", "the same command")
        done = steps_done(out)
        check(2 <= done < STEPS and os.path.exists(f"{out}/checkpoints/step-{done:06}.h5"), f"{done} steps done")
        check(not os.path.exists(f"{out}/stop"), "the file is still there")
        rulezero(*job, ranks=2 if not ranks else 0).expect(OK, f"(step {done} of {STEPS})")
        each_step_once(out, STEPS)
        identical(truth(), out)
    return attempt


case("touch RUN/stop saves and ends with 85, alone")(stopped_by_file(0))
case("touch RUN/stop saves and ends with 85, on three ranks")(stopped_by_file(3))


@case("a file `stop` that was there before is told of, removed, and stops nothing")
def _(folder):
    out = f"{folder}/run"
    os.makedirs(out)
    touch(f"{out}/stop")
    rulezero(*JOB, f"out={out}", ranks=2).expect(OK, f"{out}/stop was there before this job")
    check(not os.path.exists(f"{out}/stop"), "the file is still there")
    identical(truth(), out)
    touch(f"{out}/stop")  # also in front of a finished run
    rulezero(*JOB, f"out={out}").expect(OK, "was there before this job")
    os.mkdir(f"{out}/stop")
    rulezero(*JOB, f"out={out}").expect(IO, "cannot remove", f"{out}/stop")


@case("touch RUN/stop while the base is made")
def _(folder):
    out = f"{folder}/run"
    job = ["train", GRPO, "steps=2", "prompts_per_step=2", "group_size=2", "reward=random", "model=", "tokenizer=data/countdown/tokenizer.json", "corpus.max_words=80",
           "arch.hidden_size=32", "arch.intermediate_size=88", "arch.num_hidden_layers=2", "arch.num_attention_heads=2", "arch.num_key_value_heads=1", "arch.head_dim=16",
           "arch.max_position_embeddings=96", "pretrain.steps=12", "pretrain.documents_per_step=32", "eval.problems=0", f"out={out}"]
    in_base = lambda: any(steps_done(base) >= 2 for base in glob.glob(f"{out}/base-*"))
    touch_when(start(job, 2, cpu=SLOW), in_base, f"{out}/stop").expect(STOPPED, "stopped at step", "of 12 by the file `stop`", "/base-")
    check(not os.path.exists(f"{out}/stop"), "the file is still there")
    touch(f"{out}/stop")
    rulezero(*job).expect(OK, f"{out}/stop was there before this job")
    each_step_once(out, 2)


def long_step(folder):
    out, job = f"{folder}/run", ["train", GRPO, "steps=3", "prompts_per_step=600", "rollout.max_new=24"]
    rulezero(*job, f"out={folder}/truth").expect(OK)
    process = start(job + [f"out={out}"])
    check(wait_for(lambda: steps_done(out) >= 1, process), "it ended")
    process.send_signal(signal.SIGTERM)  # this step ends soon
    finish(process).expect(STOPPED)
    done = steps_done(out)
    process = start(job + [f"out={out}"], 2, cpu=SLOW)
    check(wait_for(lambda: "resuming from" in open(f"{out}/log.txt").read(), process), "it ended")
    time.sleep(0.5)
    process.send_signal(signal.SIGUSR1)
    result = finish(process).expect(STOPPED, f"stopped at step {done} of 3 on a signal")
    check(9 < result.seconds < 60 and steps_done(out) == done, result)
    rulezero(*job, f"out={out}").expect(OK)
    identical(f"{folder}/truth", out)


if LONG:
    case("a step that takes longer than 10 s is left in the middle of sampling, and made again by the next start")(long_step)


# ---- launch ----

class Job:
    """A training job on `ranks` ranks under launch."""

    def __init__(self, folder, *words, ranks=2, name="run"):
        self.out = f"{folder}/{name}"
        self.job = JOB + [f"out={self.out}", "checkpoint.every=1", *words]
        self.process = start(["launch", "--"] + command(self.job, ranks), cpu=SLOW)

    def members(self):
        """Living processes of the job by number: mpirun, ranks, what the ranks have started."""
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as f:
                    words = f.read().decode(errors="replace").split("\0")
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                    state, parent = f.read().rpartition(")")[2].split()[:2]
            except OSError:  # it has ended since
                continue
            if f"out={self.out}" in words and "launch" not in words and state != "Z":
                found[int(name)] = (words[0], int(parent))
        return found

    def mpirun(self):
        return next((p for p, (word, _) in self.members().items() if word == "mpirun"), None)

    def ranks(self):
        parent = self.mpirun()
        return sorted(p for p, (_, of) in self.members().items() if of == parent)

    def wait(self, condition):
        check(wait_for(condition, self.process), f"launch ended: {finish(self.process)}" if self.process.poll() is not None else "")

    def ends_as_if_nothing_had_been(self, result):
        result.expect(OK)
        each_step_once(self.out, STEPS)
        identical(truth(), self.out)


def down_and_back(name, whom):
    def attempt(folder):
        job = Job(folder, ranks=3)
        try:
            job.wait(lambda: steps_done(job.out) >= 3 and os.path.exists(f"{job.out}/checkpoints/step-000002.h5"))
            before, log = set(job.ranks()), f"{job.out}/log.txt"
            os.kill(whom(job), signal.SIGKILL)
            killed = time.monotonic()
            job.wait(lambda: not before & set(job.members()))
            down = time.monotonic() - killed
            job.wait(lambda: open(log).read().count("resuming from"))
            back = time.monotonic() - killed
            say(f"                 down {down:.1f} s, back in training {back:.1f} s behind the kill")
            result = finish(job.process).expect(OK, "(a process was killed, by somebody", "started again in 1 s (restart 1 of 3", "resuming from")
            check(result.err.count("rulezero launch: ") == 1, result)
            job.ends_as_if_nothing_had_been(result)
            check(len([line for line in open(log) if "launch: the job ended with status 137 (a process was killed" in line]) == 1, open(log).read())
            check(down < 30 and back < 40, f"down after {down:.1f} s, back after {back:.1f} s")
        finally:
            job.process.kill()
    return case(name)(attempt)


down_and_back("a rank killed under launch: down, back, the same bits", lambda job: job.ranks()[1])
down_and_back("rank 0 killed under launch: down, back, the same bits", lambda job: job.ranks()[0])
down_and_back("mpirun killed under launch: nothing of it is left when the next begins, the same bits", lambda job: job.mpirun())


@case("a rank stopped under launch: the watchdog ends the job, launch starts it again, the same bits")
def _(folder):
    job = Job(folder, "watchdog.step_s=2", "fault=stop:rank=1,step=4", ranks=3)
    result = finish(job.process).expect(OK, "watchdog: rank 1", "ended with status 86 (the watchdog ended it", "started again in 1 s", "resuming from")
    check(result.err.count("rulezero launch: ") == 1, result)
    job.ends_as_if_nothing_had_been(result)


def asked(number):
    def attempt(folder):
        job = Job(folder, ranks=2)
        try:
            job.wait(lambda: steps_done(job.out) >= 2)
            job.process.send_signal(number)
            result = finish(job.process).expect(STOPPED, f"{number.name}: the job is asked to save a checkpoint and end", "stopped at step")
            check(not job.members(), f"left: {job.members()}")
            done = steps_done(job.out)
            check(2 <= done < STEPS and os.path.exists(f"{job.out}/checkpoints/step-{done:06}.h5"), f"{done} steps done\n{result}")
            job.ends_as_if_nothing_had_been(rulezero("launch", "--", BINARY, *job.job))  # also without mpirun
        finally:
            job.process.kill()
    return attempt


for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1:
    case(f"{number.name} to launch saves and ends with 85")(asked(number))


@case("launch killed: the job saves a checkpoint and ends")
def _(folder):
    job = Job(folder, "checkpoint.every=100")
    job.wait(lambda: steps_done(job.out) >= 2)
    job.process.kill()
    end = time.monotonic() + 60
    while job.members():
        check(time.monotonic() < end, f"still there: {job.members()}")
        time.sleep(0.02)
    finish(job.process)
    done = steps_done(job.out)
    check(done < STEPS and os.path.exists(f"{job.out}/checkpoints/step-{done:06}.h5"), f"{done} steps done, {os.listdir(job.out + '/checkpoints')}")
    job.ends_as_if_nothing_had_been(rulezero(*job.job))


@case("a signal before the job listens is no failure")
def _(folder):
    job = Job(folder, "fault=slow:rank=0,step=4,seconds=3")  # asking is repeated every second
    job.wait(job.mpirun)  # it has started nobody yet, or the ranks are not ready
    job.process.send_signal(signal.SIGTERM)
    finish(job.process).expect(STOPPED)
    job.ends_as_if_nothing_had_been(rulezero(*job.job))


def script(folder, text, *flags, words=()):
    """launch of a shell script; how often it was started is told by the lines of the file `starts`."""
    return start(["launch", *flags, "--", "sh", "-c", f"echo >> {folder}/starts; {text}", "sh", *words])


def starts(folder):
    return count_lines(f"{folder}/starts")


@case("which statuses a restart cures, and which it passes on")
def _(folder):
    said, silent = {3, 77, 110, 130, 143}, {0, USAGE, DATA, 70, CREATE, IO, CONFIG, STOPPED, DIVERGED}
    cured = {75, 86, 134, 135, 137, 139, 205}
    at_once = {1, 255}  # as mpirun ends when it does not take its command line
    running = {}
    for status in said | silent | cured | at_once:
        os.makedirs(f"{folder}/{status}")
        running[status] = script(f"{folder}/{status}", f"exit {status}", "--max-restarts", "1")
    for status, process in running.items():
        result, n = finish(process), starts(f"{folder}/{status}")
        check(result.status == status and not result.out, result)
        check(n == (2 if status in cured else 1), f"status {status}: started {n} times\n{result}")
        check(result.err.count("\n") == (0 if status in silent else 2 if status in cured else 1), result)
        check(("is given up" in result.err) == (status in cured) and ("does not cure" in result.err) == (status in said | at_once), result)


@case("by signal, in use behind an attempt, and with no restarts allowed")
def _(folder):
    for name, text, flags, status, n, words in [
            ("signal", "kill -SEGV $$", ["--max-restarts=1"], 139, 2, ["a process crashed"]),
            ("in-use", f"test $(wc -l < {folder}/in-use/starts) = 1 && exit 75; exit 73", ["--max-restarts=2"], 73, 3, ["status 75", "is in use", "is given up"]),
            ("none", "exit 86", ["--max-restarts=0"], 86, 1, ["a rank was stuck", "is given up: 0 restarts"]),
            ("cured", f"test $(wc -l < {folder}/cured/starts) = 2 || exit 86", [], 0, 2, ["started again in 1 s (restart 1 of 3)"])]:
        os.makedirs(f"{folder}/{name}")
        result = finish(script(f"{folder}/{name}", text, *flags)).expect(status, *words)
        check(starts(f"{folder}/{name}") == n, f"{name}: {starts(f'{folder}/{name}')} starts, expected {n}\n{result}")


@case("restarts are counted anew from every new checkpoint")
def _(folder):
    out, config = f"{folder}/run", f"{folder}/starts"
    os.makedirs(f"{out}/checkpoints")
    text = f"n=$(wc -l < {folder}/starts); test $n -gt 3 || touch {out}/checkpoints/step-00000$n.h5; exit 86"
    result = finish(script(folder, text, "--max-restarts", "1", words=["train", GRPO, f"out={out}"])).expect(86, "counted anew from every new checkpoint", "is given up")
    check(starts(folder) == 5 - 1, f"{starts(folder)} starts\n{result}")
    check(result.err.count("restart 1 of 1") == 3, result)


@case("a job that does not listen ends at the second signal, and a deaf one at the third")
def _(folder):
    os.makedirs(f"{folder}/0")
    os.makedirs(f"{folder}/1")
    first = script(f"{folder}/0", "trap '' USR1; sleep 1000")
    deaf = script(f"{folder}/1", "trap '' USR1 TERM; sleep 1000")
    check(wait_for(lambda: starts(f"{folder}/0") and starts(f"{folder}/1"), first), "it ended")
    time.sleep(0.3)
    for process, n in (first, 2), (deaf, 3):
        for i in range(n):
            process.send_signal(signal.SIGINT)
            time.sleep(1.3 if i < n - 1 else 0)
        result = finish(process, timeout=20).expect(130, "SIGINT: the job is asked", "stopping at once")
        check(result.seconds < 15, result)


@case("a signal while it waits to start again ends it with 85")
def _(folder):
    process = script(folder, "exit 86")
    check(wait_for(lambda: starts(folder) == 2, process), "it ended")  # the second pause is longer
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    finish(process).expect(STOPPED, "SIGTERM: the job is not started again")
    check(starts(folder) == 2, starts(folder))


@case("what a job leaves behind is gone before it is started again")
def _(folder):
    text = f"test -e {folder}/pid && ! kill -0 $(cat {folder}/pid) 2>/dev/null && exit 0; setsid sleep 1000 >/dev/null 2>&1 & echo $! > {folder}/pid; exit 75"
    finish(script(folder, text, "--max-restarts", "1"), timeout=30).expect(OK, "started again")


@case("what the job finds: its input empty, the keepalive of mpirun's connections set unless it was")
def _(folder):
    text = "cat; env | grep keepalive | sort"
    process = subprocess.Popen([BINARY, "launch", "--", "sh", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=dict(os.environ, OMPI_MCA_oob_tcp_keepalive_time="60"))
    result = finish(process).expect(OK)
    check(result.out.split() == ["OMPI_MCA_oob_tcp_keepalive_intvl=1", "OMPI_MCA_oob_tcp_keepalive_probes=3", "OMPI_MCA_oob_tcp_keepalive_time=60"], result)


@case("launch and wrong words")
def _(folder):
    for words in [], ["mpirun"], ["--"], ["--max-restarts", "1"]:
        check("the command to run is missing" in rulezero("launch", *words).expect(USAGE).sentence(), words)
    for words, said in [(["--max-restart", "1", "--", "true"], "--max-restarts"), (["--max-restarts", "-1", "--", "true"], "max-restarts"),
                        (["--", f"{folder}/none"], f"cannot run '{folder}/none': No such file"), (["--", folder], "Permission denied")]:
        check(said in rulezero("launch", *words).expect(USAGE).sentence(), words)
    rulezero("launch", "--", "true", ranks=2).expect(USAGE, "launch stands before mpirun")
    rulezero("launch", "--", "sh", "-c", "echo $0", "--help").expect(OK, "--help")
    rulezero("launch", "--help").expect(OK, "example: ")


if __name__ == "__main__":
    try:
        main(workers=3)
    finally:
        shutil.rmtree(truth_folder, ignore_errors=True)
