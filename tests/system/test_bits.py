"""The same config and seed give the same bits for any number of ranks and threads, for any number of decoding slots, with drafts and without, whatever is kept in
memory, and on every kernel path."""
from common import *

KNOWN = ["reference", "portable", "avx2", "avx512", "avx512_bf16", "amx"]

# Jobs that differ in what could depend on ranks: shards, cuts into minibatches, filters of the sampler, averages.
JOBS = {
    "plain": (GRPO, []),
    "minibatches": (GRPO, ["algorithm=grpo", "minibatches=2", "epochs=2", "truncated=punish", "rollout.top_p=0.9", "gradient_shards=8", "optimizer.weight_decay=0.1"]),
    "one shard": (GRPO, ["gradient_shards=1", "aggregation=sequence_mean", "advantage_std=group", "rollout.top_k=20", "rollout.min_p=0.02",
                         "rollout.temperature=0.8"]),
    "bf16": (GRPO, ["dtype=bf16", "kl.coef=0.1", "minibatches=2"]),
    "tiny bf16": (GRPO, ["dtype=bf16", "steps=2", "prompts_per_step=2", "group_size=4", "eval.problems=0", "rollout.max_new=16"]),
    "half": (GRPO, ["compute=bf16", "kl.coef=0.1", "minibatches=2", "gradient_shards=8"]),
    "half tiny": (GRPO, ["compute=bf16", "dtype=bf16", "steps=2", "prompts_per_step=2", "group_size=4", "eval.problems=0", "rollout.max_new=16"]),
    "half pretrain": (BASE, ["compute=bf16"]),
    "kv": (GRPO, ["kv_dtype=bf16", "kl.coef=0.1", "minibatches=2", "epochs=2"]),
    "kv root": (GRPO, ["kv_dtype=bf16", "dtype=bf16", "prompt_template=numbers 2 14 target 16 ? <think> 2 + 14 = 16 </think> <answer> 2 + 14 </answer> {prompt}"]),
    "kv tiny": (GRPO, ["kv_dtype=bf16", "steps=2", "prompts_per_step=2", "group_size=4", "eval.problems=0", "rollout.max_new=16"]),
    "kl": (GRPO, ["kl.coef=0.1", "epochs=2", "minibatches=2"]),
    "dynamic": (GRPO, ["dynamic_sampling=true", "group_size=2", "minibatches=2"]),
    # what all prompts begin with is 16 tokens and more: a root (docs/numerics.md, section 6)
    "root": (GRPO, ["kl.coef=0.1", "minibatches=2", "prompt_template=numbers 2 14 target 16 ? <think> 2 + 14 = 16 </think> <answer> 2 + 14 </answer> {prompt}"]),
    "stops": (GRPO, ['rollout.stop=["no wait", "so 2"]', "rollout.temperature=0.5", "rollout.max_new=40"]),
    "curriculum": (GRPO, ["steps=10", "task.level=1,2", "curriculum.every=2", "curriculum.up=0.06", "curriculum.down=0.01"]),
    "tiny": (GRPO, ["steps=2", "prompts_per_step=2", "group_size=4", "eval.problems=0", "rollout.max_new=16"]),
    "pretrain": (BASE, []),
    "wide": (BASE, ["pretrain.steps=2", "pretrain.documents_per_step=2", "arch.num_hidden_layers=1", "arch.hidden_size=32", "arch.intermediate_size=25000",
                    "gradient_shards=2"]), # slices travel in several pieces
    "pretrain tiny": (BASE, ["pretrain.steps=2", "pretrain.documents_per_step=2"]),
}

# Each is compared with the same job on one rank with one thread and the best kernels. ranks 0: without mpirun.
VARIANTS = [
    ("plain", dict(ranks=1)),
    ("plain", dict(ranks=2)),
    ("plain", dict(ranks=3)),
    ("plain", dict(ranks=4)),
    ("plain", dict(threads=2)),
    ("plain", dict(ranks=2, threads=2)),
    ("plain", dict(slots=1)),
    ("plain", dict(slots=3, ranks=2)),
    ("plain", dict(recompute="norms", activation_mib=1)),
    ("plain", dict(recompute="layer", ranks=2, threads=2)),
    ("plain", dict(cpu="portable")),
    ("plain", dict(cpu="avx2")),
    ("plain", dict(cpu="avx512")),
    ("minibatches", dict(ranks=3, cpu="avx2")),
    ("minibatches", dict(ranks=4)),
    ("minibatches", dict(threads=2, slots=1)),
    ("one shard", dict(ranks=2)),
    ("one shard", dict(ranks=4, threads=2)),
    ("one shard", dict(cpu="avx2", threads=3)),
    ("kl", dict(ranks=3, threads=2, cpu="avx2")),
    ("kl", dict(ranks=2, slots=5, recompute="layer")),
    ("bf16", dict(ranks=2, recompute="norms")),
    ("bf16", dict(ranks=3, threads=2, slots=3)),
    ("bf16", dict(cpu="portable", slots=20)),
    ("bf16", dict(cpu="avx2")),
    ("tiny bf16", dict(cpu="reference", ranks=2)),
    ("half", dict(ranks=2, recompute="norms", activation_mib=1)),
    ("half", dict(ranks=3, threads=2, slots=3)),
    ("half", dict(ranks=4, recompute="layer", cpu="avx512")),
    ("half", dict(cpu="avx2", slots=20)),
    ("half", dict(cpu="avx512", threads=3)),
    ("half", dict(cpu="amx", ranks=2, threads=2)),
    ("half", dict(cpu="avx512_bf16", slots=7)),
    ("half tiny", dict(cpu="portable", ranks=2)),
    ("half tiny", dict(cpu="reference")),
    ("half pretrain", dict(ranks=2, threads=2)),
    ("half pretrain", dict(ranks=3, cpu="avx2")),
    ("kv", dict(ranks=3, slots=3)),
    ("kv", dict(ranks=2, threads=2, recompute="norms", activation_mib=1)),
    ("kv", dict(cpu="portable", slots=20)),
    ("kv", dict(cpu="avx2", threads=3)),
    ("kv", dict(cpu="avx512", recompute="layer")),
    ("kv", {"slots": 1, "ranks": 2, "rollout.speculative": "true"}),
    ("kv root", dict(ranks=2, slots=5)),
    ("kv root", dict(cpu="avx2", recompute="layer")),
    ("kv tiny", dict(cpu="reference")),
    ("dynamic", dict(ranks=4)),
    ("dynamic", dict(ranks=2, slots=3, cpu="avx2")),
    ("root", dict(ranks=2, threads=2)),
    ("root", dict(ranks=3, recompute="norms", activation_mib=1)),
    ("root", dict(ranks=4, recompute="layer")),
    ("root", dict(cpu="avx2")),
    ("root", dict(cpu="portable", slots=3)),
    ("curriculum", dict(ranks=3)),
    ("plain", {"slots": 1, "rollout.speculative": "true"}),
    ("one shard", {"slots": 3, "ranks": 2, "threads": 2, "rollout.speculative": "true"}),
    ("bf16", {"slots": 1, "ranks": 2, "cpu": "avx2", "rollout.speculative": "true"}),
    ("dynamic", {"slots": 3, "rollout.speculative": "true"}),
    ("stops", {"slots": 1, "ranks": 2, "rollout.speculative": "true"}),
    ("tiny", dict(cpu="reference", ranks=2)),
    ("tiny", dict(cpu="portable", threads=2)),
    ("pretrain", dict(ranks=1)),
    ("pretrain", dict(ranks=2, cpu="avx2")),
    ("pretrain", dict(ranks=3)),
    ("pretrain", dict(ranks=4)),
    ("pretrain", dict(threads=2)),
    ("pretrain", dict(recompute="layer", activation_mib=1)),
    ("pretrain", dict(ranks=2, threads=2)),
    ("pretrain", dict(cpu="portable")),
    ("pretrain", dict(cpu="avx2")),
    ("pretrain", dict(cpu="avx512")),
    ("pretrain tiny", dict(cpu="reference")),
    ("wide", dict(ranks=2)),
    ("wide", dict(ranks=3)),
]

made, making = {}, threading.Lock()
truths = tempfile.mkdtemp(prefix="rulezero-truth-")


def run(job, out, ranks=0, cpu=None, threads=1, slots=64, **more):
    config, keys = JOBS[job]
    verb = "train" if config == GRPO else "pretrain"
    return rulezero(verb, config, f"out={out}", f"threads={threads}", f"rollout.slots={slots}", *keys, *(f"{k}={v}" for k, v in more.items()), ranks=ranks, cpu=cpu).expect(OK)


def truth(job):
    with making:
        if job not in made:
            made[job] = os.path.join(truths, job.replace(" ", "-"))
            run(job, made[job])
    return made[job]


def compare(job, variant):
    def compare_one(folder):
        have = kernels()
        out = os.path.join(folder, "run")
        cpu = variant.get("cpu")
        if cpu is None or cpu in have:
            run(job, out, **variant)
            identical(truth(job), out)
            if variant.get("rollout.speculative"):
                drafted, accepted = (sum(line[f"speculative/{k}"] for line in metrics(out)) for k in ("drafted", "accepted"))
                check(0 < accepted < drafted, f"drafted {drafted}, accepted {accepted}: the job shows nothing")
        else:
            sentence = rulezero("train", GRPO, f"out={out}", cpu=cpu).expect(USAGE).sentence()
            check(all(name in sentence for name in ["RULEZERO_CPU", cpu] + have), sentence)
            check(not os.path.exists(out), f"{out} was made")
            say(f"                 (this processor has no {cpu}: refused, as it should be)")
    return compare_one


for job, variant in VARIANTS:
    case(f"{job}: " + ", ".join(f"{k}={v}" for k, v in variant.items()))(compare(job, variant))


@case("ranks that decode unlike numbers of sequences together, as on machines with other caches")
def _(folder):
    config, keys = JOBS["plain"]
    out = os.path.join(folder, "run")
    words = ["train", config, f"out={out}", *keys]
    rulezero(*words, "rollout.slots=64", ":", "-n", 2, BINARY, *words, "rollout.slots=4", ranks=1).expect(OK)
    identical(truth("plain"), out)


@case("the kernel sets are those we know, reference and portable among them")
def _(folder):
    have = kernels()
    check(set(have) <= set(KNOWN) and have[:2] == KNOWN[:2], have)


@case("the jobs can tell: some completions are cut, some are not, and rewards differ")
def _(folder):
    for job in "plain", "minibatches", "one shard":
        lines = metrics(truth(job))
        cut = [line["completions/clipped_ratio"] for line in lines]
        check(0 < sum(cut) < len(cut), f"{job}: share of completions cut: {cut}")
        check(all(0 < line["reward/std"] for line in lines), f"{job}: no signal")
        check(all(line["grad_norm"] > 0 for line in lines), f"{job}: no gradient")


@case("dynamic sampling refills, and what it draws in is trained on")
def _(folder):
    lines, prompts, steps = metrics(truth("dynamic")), 7, 0
    for line in lines:
        check(line["groups/sampled"] - line["groups/wasted"] <= prompts <= line["groups/sampled"], line)
        steps += line["groups/sampled"] > prompts
    check(steps > 0 and any(line["groups/sampled"] - line["groups/wasted"] == prompts for line in lines), lines)


@case("a curriculum goes up by what was right, and back")
def _(folder):
    lines = metrics(truth("curriculum"))
    place, right = 0, 0.0
    for i, line in enumerate(lines):
        check(line["task/level"] == place + 1, [(x["task/level"], x["accuracy/mean"]) for x in lines])
        right += line["accuracy/mean"] / 2
        if i % 2:
            place = min(place + 1, 1) if right >= 0.06 else max(place - 1, 0) if right < 0.01 else place
            right = 0.0
    levels = [line["task/level"] for line in lines]
    check(any(b > a for a, b in zip(levels, levels[1:])) and any(b < a for a, b in zip(levels, levels[1:])), levels)


@case("what is computed with bfloat16 shows")
def _(folder):
    config, keys = JOBS["bf16"]
    out = os.path.join(folder, "run")
    for key in "dtype", "compute", "kv_dtype":
        for value in "f32", "bf16":
            rulezero("train", config, f"out={out}-{key}-{value}", *keys, "kl.coef=0", "dtype=f32", f"{key}={value}").expect(OK)
        rulezero("diff", f"{out}-{key}-f32", f"{out}-{key}-bf16").expect(DIFFERENT, f"config: {key} differs")
        check(digest(f"{out}-{key}-f32/model.h5") != digest(f"{out}-{key}-bf16/model.h5"), "the weights are the same")


@case("another seed is another run")
def _(folder):
    for job in "plain", "pretrain":
        config, keys = JOBS[job]
        out = os.path.join(folder, job)
        rulezero("train" if config == GRPO else "pretrain", config, f"out={out}", "seed=2", *keys).expect(OK)
        rulezero("diff", truth(job), out).expect(DIFFERENT, "config: seed differs", "different")
        check(digest(os.path.join(truth(job), "model.h5")) != digest(os.path.join(out, "model.h5")), "the weights are the same")


if __name__ == "__main__":
    try:
        main(workers=2)
    finally:
        shutil.rmtree(truths, ignore_errors=True)
