"""bench: tiny works, their fields, and the multiply-adds counted from the shapes. No time is asserted: machines are shared."""
import math

from common import *

POSITIVE = ["tokens", "seconds", "tokens_per_s", "tokens_per_s_median", "tokens_per_cpu_s", "peak_rss_mib"]
COUNTED = ["flop", "gflops", "peak_gflops", "share_of_peak", "matmul_share_of_peak", "matmul_share_of_time"]
# hidden, intermediate, layers, query heads, key/value heads, head width, vocabulary
SHAPES = {"countdown": (128, 352, 4, 4, 2, 32, 132), "small": (192, 576, 6, 6, 6, 32, 512)}


def bench(*arguments, ranks=0, cpu=None):
    result = rulezero("bench", *arguments, "--seconds", 0, "--json", ranks=ranks, cpu=cpu).expect(OK)
    check(not result.err, result)
    found = json.loads(result.out)
    check(found["schema"] == 1 and found["rounds"] >= 2, result)
    return found


def products_of(shape):
    D, F, L, H, G, E, V = SHAPES[shape]
    return L * (D * (H + 2 * G) * E + H * E * D + 3 * D * F), D * V


def pairs(first, n):
    """Keys that n tokens see, the first of which sees `first`."""
    return sum(first + i for i in range(n))


def attention(shape, seen):
    D, F, L, H, G, E, V = SHAPES[shape]
    return L * H * E * seen


def decoding(shape, batch, prompts, prompt, new):
    """Multiply-adds: prompts but their last tokens once each, in the last layer only for keys and values, then a row a token with the head."""
    D, F, L, H, G, E, V = SHAPES[shape]
    layers, head = products_of(shape)
    rows, seen = prompts * (prompt - 1), prompts * pairs(1, prompt - 1)
    unwanted = rows * (H * E * D + 3 * D * F) + 2 * H * E * seen
    return (rows + batch * new) * layers + batch * new * head + attention(shape, 2 * (seen + batch * pairs(prompt, new))) - unwanted


def learning(shape, batch, prompts, prompt, new):
    """Forward once, backward twice; attention 2 products forward, 5 backward."""
    layers, head = products_of(shape)
    return 3 * ((prompts * (prompt - 1) + batch * new) * layers + batch * new * head) + attention(
        shape, 7 * (prompts * pairs(1, prompt - 1) + batch * pairs(prompt, new)))


def check_figures(found):
    for name in POSITIVE + COUNTED:
        check(found[name] > 0, f"{name} is {found[name]}\n{found}")
    again = sum(o["flop"] for o in found["operations"]) - found["flop"]  # logits, which learning keeps while they are few
    check(again == 0, f"{again} counted twice\n{found}")
    check(abs(found["gflops"] * found["seconds"] * 1e9 / found["flop"] - 1) < 1e-3, found)


@case("decode: fields, and every multiply-add")
def _(folder):
    for shape in SHAPES:
        found = bench("decode", "--shape", shape, "--batch", 5, "--prompt", 7, "--new", 9)
        check_figures(found)
        check(found["tokens"] == 45 and found["flop"] == 2 * decoding(shape, 5, 5, 7, 9), found, 2 * decoding(shape, 5, 5, 7, 9))
        check(0 < found["prompt_seconds"] < found["seconds"], found)
    check(bench("decode", "--batch", 5, "--prompt", 1, "--new", 9)["prompt_seconds"] == 0, "a step takes a prompt's last token")


@case("train: fields, and every multiply-add")
def _(folder):
    for flags in [], ["--threads", 2, "--gradient-shards", 4]:
        found = bench("train", "--batch", 5, "--seq", 11, *flags)
        check_figures(found)
        check(found["tokens"] == 55 and found["flop"] == 2 * learning("countdown", 5, 5, 1, 11), found, 2 * learning("countdown", 5, 5, 1, 11))


@case("grpo: a whole step, a prompt computed once for its completions")
def _(folder):
    for ranks in 0, 2:
        found = bench("grpo", "--batch", 12, "--group", 4, "--prompt", 12, "--new", 6, "--shape", "small", ranks=ranks)
        check_figures(found)
        groups = found["tokens_trained"] // 24  # those whose coins did not all fall alike
        flop = 2 * (decoding("small", 12, 3, 12, 6) + learning("small", 4 * groups, groups, 12, 6))
        check(found["tokens"] == 72 and 0 < groups <= 3 and found["flop"] == flop, groups, found["flop"], flop)


@case("grpo: lengths as told, in turn")
def _(folder):
    found = bench("grpo", "--batch", 12, "--group", 4, "--prompt", 12, "--new", 9, "--shape", "small", "--lengths", "3,0,5,1")
    groups = found["tokens_trained"] // 18  # of 3, 9, 5 and 1 tokens
    flop = sum(2 * (decoding("small", 3, 0, 12, n) + learning("small", groups, 0, 12, n)) for n in (3, 9, 5, 1))
    flop += 2 * (decoding("small", 0, 3, 12, 0) + learning("small", 0, groups, 12, 0))
    check(found["tokens"] == 54 and 0 < groups <= 3 and found["flop"] == flop, groups, found["flop"], flop)


@case("--plain counts nothing; what decoding reads, and how fast memory could be read")
def _(folder):
    found = bench("decode", "--batch", 2, "--new", 2, "--plain")
    check(found["tokens_per_s"] > 0 and found["flop"] == 0 and not found["operations"], found)
    half = bench("decode", "--batch", 2, "--new", 2, "--dtype", "bf16")
    layers, head = products_of("countdown")
    check(found["read_gb_s"] > 0 and half["read_gb_s"] > 0 and found["weight_bytes"] == 2 * half["weight_bytes"], found, half)
    check(4 * (layers + head) <= found["weight_bytes"] <= 4 * (layers + 192 * 128), found["weight_bytes"])  # panels are whole


@case("rules: completions a second")
def _(folder):
    found = bench("rules", "--batch", 200)
    check(found["completions_per_s"] > 0 and all(found[name] > 0 for name in POSITIVE), found)
    check(found["flop"] == 0 and found["matmul_share_of_peak"] is None and 200 * 5 < found["tokens"] < 200 * 230, found)


@case("a model's own size, several ranks, other kernels, a table for people")
def _(folder):
    found = bench("decode", "--model", MODEL, "--batch", 2, "--prompt", 3, "--new", 4)
    held = json.loads(rulezero("inspect", MODEL, "--json").expect(OK).out)
    check(found["parameters"] == sum(math.prod(a["shape"]) for name, a in held["arrays"].items() if name.startswith("model/")), found)
    two = bench("decode", "--model", MODEL, "--batch", 2, "--prompt", 3, "--new", 4, ranks=2)
    check(two["ranks"] == 2 and two["tokens"] == 2 * found["tokens"] and two["flop"] == 2 * found["flop"], two)
    one, three = (bench("train", "--batch", 4, "--seq", 5, ranks=r) for r in (1, 3))
    check(one["tokens"] == three["tokens"] and one["flop"] == three["flop"], one, three)
    check(bench("decode", "--batch", 2, "--new", 2, "--kv-dtype", "bf16")["kv_dtype"] == "bf16", "kv_dtype is not told")
    half = bench("decode", "--batch", 2, "--new", 2, "--dtype", "bf16")
    check(half["dtype"] == "bf16" and half["flop"] == bench("decode", "--batch", 2, "--new", 2)["flop"], half)
    portable = bench("decode", "--batch", 2, "--new", 2, cpu="portable")
    check(portable["share_of_peak"] is None and portable["peak_gflops"] is None, "a share of no peak", portable)
    table = rulezero("bench", "train", "--batch", 2, "--seq", 4, "--seconds", 0).expect(OK, "tokens/s", "products, forward", "all products", "AdamW")
    check(not table.out, table)


@case("what cannot be done is said in a sentence")
def _(folder):
    for arguments, status, words in (
            ([], USAGE, ["decode|train|grpo|rules"]),
            (["decod"], USAGE, ["did you mean 'decode'"]),
            (["decode", "train"], USAGE, ["train"]),
            (["decode", "--dtype", "f16"], USAGE, ["dtype", "f16"]),
            (["decode", "--shape", "huge"], USAGE, ["shape", "huge", "small"]),
            (["decode", "--model", folder + "/none.h5"], IO, ["none.h5"]),
            (["decode", "--model", MODEL, "--new", 5000], USAGE, ["positions", "5000"]),
            (["grpo", "--batch", 9], USAGE, ["--batch", "--group"]),
            (["grpo", "--prompt", 2], USAGE, ["--prompt"]),
            (["rules", "--rules", folder + "/none.yaml"], IO, ["none.yaml"]),
            (["train", "--gradient-shards", 3], USAGE, ["power of two"]),
            (["grpo", "--new", 8, "--lengths", "8,9"], USAGE, ["--lengths", "9", "--new (8)"]),
            (["train", "--threads", 0], USAGE, ["threads"])):
        for ranks in (0, 2) if "--prompt" in arguments else (0,):
            result = rulezero("bench", *arguments, ranks=ranks).expect(status, *words)
            result.sentence()
            check(not result.out, result)


main()
