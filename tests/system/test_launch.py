"""Stopping a job by a file."""
import glob

from common import *

STEPS = 8
JOB = ["train", GRPO, f"steps={STEPS}", "prompts_per_step=4", "rollout.max_new=16"]
SLOW = "portable"  # the same bits, and time to interfere

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


if __name__ == "__main__":
    try:
        main(workers=2)
    finally:
        shutil.rmtree(truth_folder, ignore_errors=True)
