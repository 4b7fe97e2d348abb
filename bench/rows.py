"""What bench/run compares: jobs (a command and how to read what it prints) and rows (what must hold of their figures). No figure is written here but the bounds.

Both sides do the same work: decoding samples at temperature 1 without filters, to full lengths, after prompts of 16 tokens, each sequence its own; training is forward, loss,
backward and AdamW in f32; a GRPO step samples, scores, and updates once. llama.cpp's benchmark samples nothing and its time ends with the logits: that is to its advantage.
Beside llama.cpp, which times them apart, decoding is the steps behind the prompts; what comes out with the prompts stands beside it. transformers' time has both. llama.cpp keeps keys
and values in 16 bits unless told otherwise (it is faster so): ours beside it likewise; both keep floats in decode-small-llama-f32. In bfloat16 (rows with bf16 in their names) all others round activations too: ours are the faster of
`--compute bf16`, which does, and of f32 products with weights that are stored so."""
import json
import math
import statistics
from typing import Callable, NamedTuple, Optional

# vocabulary, hidden, intermediate, layers, query heads, key/value heads, head width: those of cli/bench_work.c
SHAPES = {"countdown": (132, 128, 352, 4, 4, 2, 32), "small": (512, 192, 576, 6, 6, 6, 32), "smollm2": (49152, 576, 1536, 30, 9, 3, 64),
          "qwen0.5b": (151936, 896, 4864, 24, 14, 2, 64)}


# ---- floating-point operations, and the least time they and the weights take ----

def parts(shape):
    """Multiply-adds of a token in the layers, in the head; of a (query, key) pair in one product of attention."""
    V, D, F, L, H, G, E = SHAPES[shape]
    return L * (D * (H + 2 * G) * E + H * E * D + 3 * D * F), V * D, L * H * E


def decode_flop(shape, batch, prompt, new):
    """Of a prompt, but for its last token, the last layer's keys and values are all that is wanted."""
    V, D, F, L, H, G, E = SHAPES[shape]
    layers, head, pair = parts(shape)
    tokens = prompt + new - 1
    unwanted = (prompt - 1) * (H * E * D + 3 * D * F) + H * E * prompt * (prompt - 1)
    return 2 * batch * (tokens * layers + new * head + 2 * pair * tokens * (tokens + 1) / 2 - unwanted)


def steps_flop(shape, batch, prompt, new):
    """Of the steps behind the prompts, the first of which takes a prompt's last token."""
    layers, head, pair = parts(shape)
    return 2 * batch * (new * (layers + head) + 2 * pair * sum(range(prompt, prompt + new)))


def train_flop(shape, batch, length):
    """A forward pass, and a backward one of twice the products (five of attention for two)."""
    layers, head, pair = parts(shape)
    return 2 * batch * (3 * length * (layers + head) + 7 * pair * length * (length + 1) / 2)


def least_seconds(found, flop, passes=0):
    """A roofline: multiply-adds at the speed of registers, or so many passes over the weights at the speed of memory if that takes longer."""
    compute = flop / (1e9 * found["peak_gflops"]) if found.get("peak_gflops") else 0
    read = passes * found["weight_bytes"] / (1e9 * found["read_gb_s"]) if found.get("read_gb_s") else 0
    return max(compute, read)


# ---- jobs ----

class Job(NamedTuple):
    name: str
    side: str         # rulezero or the peer's name
    commands: list    # that do the same work: the fastest counts (flags of which nobody knows the best)
    read: Callable    # what a command printed -> {"rate": tokens/s, ...}; "steps": of decoding behind the prompts
    least: Optional[Callable] = None  # seconds that our work takes at least, from its figures
    least_steps: Optional[Callable] = None
    cores: int = 1    # pinned to so many


def read_ours(out):
    found = json.loads(out)
    return dict(found, rate=found["tokens_per_s"], steps=found["tokens"] / (found["seconds"] - found["prompt_seconds"]))


def read_peer(out):
    found = json.loads(out.strip().splitlines()[-1])
    return dict(found, rate=found["tokens"] / min(found["seconds"]))


def read_llama(out):
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    tokens = lines[0]["pl"] * lines[0]["tg"]
    return {"rate": tokens / min(line["t_pp"] + line["t_tg"] for line in lines), "steps": tokens / min(line["t_tg"] for line in lines), "flash_attention": lines[0]["flash_attn"]}


def ours(name, work, *flags, least=None, least_steps=None, ranks=1, seconds=2, computes=("f32",)):
    commands = [["{rulezero}", "bench", work, *flags, "--compute", compute, "--seconds", str(seconds), "--json"] for compute in computes]
    if ranks > 1:
        commands = [["mpirun", "-q", "-n", str(ranks), "--bind-to", "none", *command] for command in commands]
    return Job(name, "rulezero", commands, read_ours, least, least_steps, ranks)


def our_decode(name, shape, batch, new, dtype="f32", kv="f32", seconds=2, plain=False):
    return ours(name, "decode", "--shape", shape, "--batch", str(batch), "--prompt", "16", "--new", str(new), "--dtype", dtype, "--kv-dtype", kv,
                *(["--plain"] if plain else []), seconds=seconds, least=lambda found: least_seconds(found, decode_flop(shape, batch, 16, new), new + 1),
                least_steps=lambda found: least_seconds(found, steps_flop(shape, batch, 16, new), new), computes=("f32", "bf16") if dtype == "bf16" else ("f32",))


def our_train(name, shape, batch, length, seconds=4, plain=False, computes=("f32",)):
    return ours(name, "train", "--shape", shape, "--batch", str(batch), "--seq", str(length), *(["--plain"] if plain else []), seconds=seconds,
                least=lambda found: least_seconds(found, train_flop(shape, batch, length)), computes=computes)


def torch(name, script, model, *words, side="PyTorch"):
    return Job(name, side, [["{python}", f"bench/peers/{script}", f"{{models}}/{model}", *map(str, words)]], read_peer)


def llama(name, shape, batch, new, dtype="f32", kv="f16", repeat=1):
    context = str(batch * -(-(16 + new) // 256) * 256)  # it rounds each sequence's part
    return Job(name, "llama.cpp", [["{llama}", "-m", f"{{models}}/{shape}-{dtype}.gguf", "-c", context, "-npp", "16", "-ntg", str(new), "-npl",
                                    ",".join([str(batch)] * repeat), "-t", "1", "-tb", "1", "-ngl", "0", "-fa", attention, "-ctk", kv, "-ctv", kv, "--output-format", "jsonl"]
                                   for attention in ("on", "off")], read_llama, cores=2)  # one for the thread that prints, or its last lines may be lost


def log_normal(n, median, most):
    """n quantiles of a log-normal distribution with sigma 1, the last of them `most`, in a fixed order that is not theirs."""
    at = [round(median * math.exp(statistics.NormalDist().inv_cdf((i + 0.5) / n))) for i in range(n)]
    at[-1] = most
    return ",".join(str(at[i * 7 % n]) for i in range(n))


LENGTHS = log_normal(16, 64, 512)  # mean 106
GRPO_FLAGS = ("--shape", "small", "--batch", "64", "--group", "8", "--prompt", "16", "--new", "64")
LONG_FLAGS = ("--shape", "small", "--batch", "128", "--group", "16", "--prompt", "256", "--new", "512", "--lengths", LENGTHS)
DEFAULT_FLAGS = ("--shape", "countdown", "--batch", "256", "--group", "16", "--prompt", "16", "--new", "96", "--gradient-shards", "4", "--plain")
counted = (lambda found: least_seconds(found, found["flop"]))

JOBS = {job.name: job for job in [
    our_decode("our decode small 32", "small", 32, 128),
    torch("hf decode small 32", "decode.py", "small", 32, 16, 128, "float32", 3, side="transformers"),
    llama("llama decode small 32 f32 kv", "small", 32, 128, kv="f32", repeat=3),
    our_decode("our decode small 32 bf16 kv", "small", 32, 128, kv="bf16"),
    llama("llama decode small 32", "small", 32, 128, repeat=3),

    our_decode("our decode small bf16 32", "small", 32, 128, "bf16", "bf16"),
    llama("llama decode small bf16 32", "small", 32, 128, "bf16", repeat=3),

    our_decode("our decode 0.5b 32", "qwen0.5b", 32, 16, kv="bf16", seconds=0, plain=True),
    llama("llama decode 0.5b 32", "qwen0.5b", 32, 16),
    our_decode("our decode 0.5b bf16 8", "qwen0.5b", 8, 16, "bf16", "bf16", seconds=0, plain=True),
    llama("llama decode 0.5b bf16 8", "qwen0.5b", 8, 16, "bf16"),
    our_decode("our decode 0.5b bf16 32", "qwen0.5b", 32, 16, "bf16", "bf16", seconds=0, plain=True),
    llama("llama decode 0.5b bf16 32", "qwen0.5b", 32, 16, "bf16"),
    our_decode("our decode 0.5b 1", "qwen0.5b", 1, 16, kv="bf16", plain=True),
    llama("llama decode 0.5b 1", "qwen0.5b", 1, 16, repeat=2),
    our_decode("our decode 0.5b bf16 1", "qwen0.5b", 1, 16, "bf16", "bf16", plain=True),
    llama("llama decode 0.5b bf16 1", "qwen0.5b", 1, 16, "bf16", repeat=2),

    our_train("our train small", "small", 16, 256),
    torch("eager train small", "train.py", "small", 16, 256, "eager", 4),
    torch("compiled train small", "train.py", "small", 16, 256, "compile", 4, side="torch.compile"),
    our_train("our train small bf16", "small", 16, 256, computes=("f32", "bf16")),
    torch("autocast train small", "train.py", "small", 16, 256, "autocast", 4),
    our_train("our train 0.5b", "qwen0.5b", 4, 256, seconds=0, plain=True),
    our_train("our train 0.5b bf16", "qwen0.5b", 4, 256, seconds=0, plain=True, computes=("f32", "bf16")),
    torch("autocast train 0.5b", "train.py", "qwen0.5b", 4, 256, "autocast", 1),
    torch("eager train 0.5b", "train.py", "qwen0.5b", 4, 256, "eager", 1),

    ours("our grpo", "grpo", *GRPO_FLAGS, seconds=5, least=counted),
    our_decode("our equal decode", "small", 64, 64),
    our_train("our equal train", "small", 64, 80),
    ours("our grpo bf16", "grpo", *GRPO_FLAGS, seconds=5, least=counted, computes=("f32", "bf16")),
    torch("trl grpo", "grpo.py", "small", 8, 8, 16, 64, 4, 1, 64, side="TRL"),
    ours("our grpo long", "grpo", *LONG_FLAGS, seconds=0, least=counted),
    torch("trl grpo long", "grpo.py", "small", 8, 16, 256, LENGTHS, 1, 0, 16, side="TRL"),  # so long a step needs no other to warm up

    ours("our one rank", "grpo", *DEFAULT_FLAGS, seconds=3),
    ours("our two ranks", "grpo", *DEFAULT_FLAGS, seconds=3, ranks=2),
]}


# ---- rows ----

class Row(NamedTuple):
    name: str
    what: str
    jobs: list           # ours first, in the order in which a round runs them
    must: Optional[float]
    aim: Optional[float]
    value: Callable      # {job: figures} of one round -> what must and aim bound
    ours: Callable       # … -> our figure, the peer's, the limit of value; None where there is none
    peer: Callable
    limit: Callable
    unit: str = "tokens/s"
    most: bool = False   # must and aim are upper bounds
    enough: Optional[Callable] = None  # … -> True: the row holds whatever the value is
    with_prompts: Optional[Callable] = None  # … -> the value of the steps with their prompts


def rate(job):
    return lambda m: m[job]["rate"]


def speed(name, what, our, peer, must, aim):
    return Row(name, what, [our, peer], must, aim, lambda m: m[our]["rate"] / m[peer]["rate"], rate(our), rate(peer),
               lambda m: m[our]["tokens"] / JOBS[our].least(m[our]) / m[peer]["rate"])


def steps(name, what, our, peer, must, aim, enough=None):
    """Of decoding, the prompts left out."""
    return Row(name, what, [our, peer], must, aim, lambda m: m[our]["steps"] / m[peer]["steps"], lambda m: m[our]["steps"], lambda m: m[peer]["steps"],
               lambda m: m[our]["tokens"] / JOBS[our].least_steps(m[our]) / m[peer]["steps"], enough=enough,
               with_prompts=lambda m: m[our]["rate"] / m[peer]["rate"])


def memory(name, what, our, peer, must, aim):
    return Row(name, what, [our, peer], must, aim, lambda m: m[our]["rss_mib"] / 1024, lambda m: m[our]["rss_mib"] / 1024,
               lambda m: m[peer]["rss_mib"] / 1024, lambda m: None, "GiB", True)


def share(name, what, our, must, aim):
    return Row(name, what, [our], must, aim, lambda m: m[our]["matmul_share_of_peak"],
               lambda m: m[our]["matmul_share_of_peak"] * m[our]["peak_gflops"], lambda m: m[our]["peak_gflops"], lambda m: 1.0, "GFLOP/s")


def weights_read(found):
    """GB/s: the weights once a step."""
    return 1e-9 * found["weight_bytes"] * found["new"] / (found["seconds"] - found["prompt_seconds"])


def reads(our):
    """Share of the measured bandwidth at which a step's weights are read."""
    return lambda m: weights_read(m[our]) / m[our]["read_gb_s"]


def at_memory_speed(our):
    return lambda m: reads(our)(m) >= 0.9


def equal_step(m):
    """Tokens a second of a step in which nothing is shared or reused: every sequence decoded with a prompt of its own, then trained on whole."""
    return 4096 / (m["our equal decode"]["seconds"] + m["our equal train"]["seconds"])


def equal_limit(m):
    return 4096 / sum(JOBS[job].least(m[job]) for job in ("our equal decode", "our equal train")) / m["trl grpo"]["rate"]


ROWS = [
    speed("decode-small", "decode, small, batch 32, f32, against transformers", "our decode small 32", "hf decode small 32", 3.5, 5),
    steps("decode-small-llama", "the same against llama.cpp, keys and values in 16 bits", "our decode small 32 bf16 kv", "llama decode small 32", 5.5, 7),
    steps("decode-small-llama-f32", "the same against llama.cpp, keys and values in f32", "our decode small 32", "llama decode small 32 f32 kv", 5.5, 7),
    steps("decode-0.5b-32", "decode, 0.5B, batch 32, f32, against llama.cpp", "our decode 0.5b 32", "llama decode 0.5b 32", 1.4, 1.8),
    steps("decode-0.5b-bf16-8", "decode, 0.5B, batch 8, bf16-stored", "our decode 0.5b bf16 8", "llama decode 0.5b bf16 8", 1.9, 2.5),
    steps("decode-0.5b-bf16-32", "decode, 0.5B, batch 32, bf16-stored", "our decode 0.5b bf16 32", "llama decode 0.5b bf16 32", 2.2, 2.8),
    steps("decode-0.5b-1", "decode, 0.5B, batch 1, f32 (or 90 % of memory's speed)", "our decode 0.5b 1", "llama decode 0.5b 1", 1.1, 1.2,
          at_memory_speed("our decode 0.5b 1")),
    steps("decode-0.5b-bf16-1", "decode, 0.5B, batch 1, bf16-stored (or 90 %)", "our decode 0.5b bf16 1", "llama decode 0.5b bf16 1", 1.3, 1.5,
          at_memory_speed("our decode 0.5b bf16 1")),
    speed("train-small", "training, small, 16 x 256, f32, against PyTorch eager", "our train small", "eager train small", 1.5, 1.9),
    speed("train-small-compiled", "the same against torch.compile", "our train small", "compiled train small", 1.25, 1.6),
    speed("train-0.5b", "training, 0.5B, 4 x 256, f32, against PyTorch eager", "our train 0.5b", "eager train 0.5b", 1.3, 1.7),
    steps("decode-small-bf16", "decode, small, batch 32, bf16, against llama.cpp", "our decode small bf16 32", "llama decode small bf16 32", None, None),
    speed("train-small-bf16", "training, small, 16 x 256, bf16, against PyTorch's autocast", "our train small bf16", "autocast train small", None, None),
    speed("train-0.5b-bf16", "training, 0.5B, 4 x 256, bf16, against PyTorch's autocast", "our train 0.5b bf16", "autocast train 0.5b", None, None),
    memory("train-0.5b-memory", "its peak memory", "our train 0.5b", "eager train 0.5b", 9e9 / 2**30, 8.4e9 / 2**30),
    Row("grpo-equal", "GRPO step, 8 x 8 x 64, equal work (all decoded, all trained on), against TRL", ["our equal decode", "our equal train", "trl grpo"],
        2.2, None, lambda m: equal_step(m) / m["trl grpo"]["rate"], equal_step, rate("trl grpo"), equal_limit),
    speed("grpo", "the same step as a job does it (shared prompts, work skipped)", "our grpo", "trl grpo", 2.2, 4),
    speed("grpo-bf16", "the same with `compute: bf16`, if that is faster, against TRL in f32", "our grpo bf16", "trl grpo", None, None),
    speed("grpo-long", "GRPO step, 8 x 16, log-normal lengths up to 512, prompt 256", "our grpo long", "trl grpo long", 5, 8),
    share("products-train", "matrix products of training, small, of the FMA peak", "our train small", 0.80, 0.92),
    share("products-decode", "matrix products of decoding, small, batch 32", "our decode small 32", 0.70, 0.85),
    Row("ranks", "two ranks against one, 16 x 16 completions in the default job's shape, of what the register loop gains", ["our one rank", "our two ranks"], 0.90, 0.97,
        lambda m: m["our two ranks"]["rate"] / m["our one rank"]["rate"] / (m["our two ranks"]["peak_gflops"] / m["our one rank"]["peak_gflops"]),
        lambda m: m["our two ranks"]["rate"] / m["our one rank"]["rate"],
        lambda m: m["our two ranks"]["peak_gflops"] / m["our one rank"]["peak_gflops"], lambda m: 1.0, "times"),
]
