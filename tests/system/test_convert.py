"""convert: models of every family through every form and back, bit for bit; GGUF as the gguf package writes it; what is refused."""
import math
import struct

from common import *

MODELS, GGUF = "tests/golden/models", "tests/golden/gguf"
NAMES = sorted(name for name in os.listdir(MODELS) if os.path.isdir(f"{MODELS}/{name}"))
SIZE = {"F32": 4, "F16": 2, "BF16": 2}
# What may stand in a config that comes back: all that decides numbers, and the ids.
FIELDS = ["model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
          "max_position_embeddings", "rms_norm_eps", "rope_theta", "tie_word_embeddings", "attention_bias", "mlp_bias", "rope_scaling", "bos_token_id",
          "eos_token_id"]


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


# ---- readers of our own: the formats as their descriptions have them ----

def float_of(raw, dtype):
    """Elements as tuples of bits that a Python float has: exact in all three types."""
    if dtype == "F32":
        return struct.unpack(f"<{len(raw) // 4}f", raw)
    if dtype == "F16":
        return struct.unpack(f"<{len(raw) // 2}e", raw)
    return struct.unpack(f"<{len(raw) // 2}f", b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2)))


def safetensors(folder):
    """{name: (dtype, shape, bytes)} of a folder."""
    found = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".safetensors"):
            with open(f"{folder}/{file}", "rb") as f:
                data = f.read()
            n = struct.unpack("<Q", data[:8])[0]
            header = json.loads(data[8:8 + n])
            header.pop("__metadata__", None)
            for name, t in header.items():
                a, b = t["data_offsets"]
                found[name] = (t["dtype"], t["shape"], data[8 + n + a:8 + n + b])
    return found


def gguf(path):
    """Keys and {name: (type, shape, bytes)}; arrays are lists."""
    with open(path, "rb") as f:
        data = f.read()
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values[0]

    def text():
        nonlocal at
        n = take("Q")
        at += n
        return data[at - n:at].decode()

    def value(kind):
        if kind == 8:
            return text()
        if kind == 9:
            kind, n = take("I"), take("Q")
            return [value(kind) for _ in range(n)]
        return take("BbHhIif?xxQqd"[kind])

    check(data[:4] == b"GGUF", path)
    at = 4
    check(take("I") == 3, "version")
    n_tensors, n_keys = take("Q"), take("Q")
    keys = {}
    for _ in range(n_keys):
        key = text()
        keys[key] = value(take("I"))
    places = []
    for _ in range(n_tensors):
        name = text()
        shape = [take("Q") for _ in range(take("I"))][::-1]
        places.append((name, shape, take("I"), take("Q")))
    start = (at + 31) // 32 * 32
    size = {0: lambda n: 4 * n, 1: lambda n: 2 * n, 30: lambda n: 2 * n, 8: lambda n: n // 32 * 34}
    tensors = {}
    for name, shape, kind, offset in places:
        n = math.prod(shape)
        tensors[name] = ({0: "F32", 1: "F16", 30: "BF16", 8: "Q8_0"}[kind], shape, data[start + offset:start + offset + size[kind](n)])
    return keys, tensors


def permuted(shape, raw, heads, width):
    """Rows in llama.cpp's order: pairs of a head's halves."""
    row = width * (shape[1] if len(shape) > 1 else 1)
    rows, each = [raw[i:i + row] for i in range(0, len(raw), row)], shape[0] // heads
    return b"".join(rows[h * each + j * (each // 2) + i] for h in range(heads) for i in range(each // 2) for j in range(2))


# ---- models with a tokenizer ----

TOKENS = ["<unk>", "<s>", "</s>"] + [chr(33 + i) for i in range(92)] + ["ab"]
TOKENIZER = {
    "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
    "added_tokens": [{"id": i, "content": TOKENS[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                     for i in range(3)],
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
    "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
              "byte_fallback": False, "ignore_merges": False, "vocab": {t: i for i, t in enumerate(TOKENS)}, "merges": [["a", "b"]]}}
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %} é"


def folder_of(name, where):
    folder = f"{where}/{name}"
    shutil.copytree(f"{MODELS}/{name}", folder)
    for file, content in (("tokenizer.json", TOKENIZER), ("tokenizer_config.json", {"bos_token": "<s>", "eos_token": {"content": "</s>"},
                                                                                   "add_bos_token": True, "chat_template": TEMPLATE}),
                          ("generation_config.json", {"eos_token_id": 2, "bos_token_id": 1})):
        with open(f"{folder}/{file}", "w", encoding="utf-8") as f:
            json.dump(content, f)
    return folder


def dtype_of(name):
    return next(iter(safetensors(f"{MODELS}/{name}").values()))[0]


def decisive(config):
    """What a config comes to. Names of both spellings, and what transformers takes where it says nothing."""
    c = dict(config)
    rope = c.pop("rope_parameters", None) or {}
    c.setdefault("rope_theta", rope.pop("rope_theta", 10000.0))
    scaling = {k: v for k, v in (c.get("rope_scaling") or rope).items()}
    kind = scaling.pop("rope_type", scaling.pop("type", "default"))
    c["rope_scaling"] = dict(scaling, rope_type=kind) if kind != "default" else None
    return {k: c.get(k) for k in FIELDS}


def ours(folder, where):
    """A folder's config as our own form has it: defaults filled in."""
    rulezero("convert", folder, f"{where}/plain").expect(OK)
    return decisive(load(f"{where}/plain/config.json"))


def same_weights(a, b, what):
    check(sorted(a) == sorted(b), what, sorted(set(a) ^ set(b)))
    for name in a:
        check(a[name][1] == b[name][1], what, name, a[name][1], b[name][1])
        check(struct.pack(f"<{math.prod(a[name][1])}f", *float_of(a[name][2], a[name][0])) ==
              struct.pack(f"<{math.prod(b[name][1])}f", *float_of(b[name][2], b[name][0])), what, name, "differs")


def same_words(folder):
    """Tokenizer, template and ids that were in folder_of."""
    found = load(f"{folder}/tokenizer.json")
    check(found["model"]["vocab"] == TOKENIZER["model"]["vocab"], folder)
    check([tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in found["model"]["merges"]] == [("a", "b")], folder)
    c, g = load(f"{folder}/tokenizer_config.json"), load(f"{folder}/generation_config.json")
    check(c["chat_template"] == TEMPLATE and c["bos_token"] == "<s>" and c["eos_token"] == "</s>" and c["add_bos_token"] is True, c)
    check(g == {"bos_token_id": 1, "eos_token_id": 2}, g)


def words_of(path):
    return json.loads(subprocess.run([BINARY, "tokenize", "--model", path], input='{"text": "ab1!</s>"}\n', capture_output=True, text=True, check=True).stdout)


# ---- round trips ----

@case("every model, as a folder again and through our own file, keeps every bit")
def _(folder):
    for name in NAMES:
        model = folder_of(name, folder)
        original, own = safetensors(model), dtype_of(name)
        rulezero("convert", model, f"{folder}/{name}.h5").expect(OK)
        rulezero("convert", f"{folder}/{name}.h5", f"{folder}/{name}-f32").expect(OK)
        rulezero("convert", f"{folder}/{name}.h5", f"{folder}/{name}-own", "--dtype", own.lower()).expect(OK)
        for back in (f"{folder}/{name}-f32", f"{folder}/{name}-own"):
            same_weights(original, safetensors(back), back)
            same_words(back)
        check(safetensors(f"{folder}/{name}-own")[next(iter(original))][0] == own, name)
        check(load(f"{folder}/{name}-own/config.json")["torch_dtype"] == {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[own], name)
        config, known = decisive(load(f"{folder}/{name}-f32/config.json")), decisive(load(f"{model}/config.json"))
        for field, value in known.items():
            check(value is None or field == "rope_scaling" or config[field] == value or not value, name, field, value, config[field])
        if known["rope_scaling"]:
            check(config["rope_scaling"] == known["rope_scaling"], name, config["rope_scaling"], known["rope_scaling"])


@case("every model through GGUF keeps every bit that the type can hold")
def _(folder):
    for name in NAMES:
        if name == "qwen3-attention-bias":
            continue
        model = folder_of(name, folder)
        original, own = safetensors(model), dtype_of(name)
        for dtype in {"f32", own.lower()}:
            path, back = f"{folder}/{name}-{dtype}.gguf", f"{folder}/{name}-{dtype}"
            rulezero("convert", model, path, f"dtype={dtype}").expect(OK)
            rulezero("convert", path, back, "--dtype=f32").expect(OK)
            kept = {n: t for n, t in original.items() if dtype == "f32" or len(t[1]) == 2}
            found = safetensors(back)
            same_weights(kept, {n: t for n, t in found.items() if n in kept}, path)
            same_weights(original, found, path)
            same_words(back)
            check(words_of(path) == words_of(model) == {"ids": [95, 19, 3, 2]}, words_of(path))
            due, config = ours(model, f"{folder}/{name}-{dtype}-x"), decisive(load(f"{back}/config.json"))
            due["model_type"] = "llama" if due["model_type"] == "mistral" else due["model_type"]
            check(config == due, name, config, due)


@case("GGUF has llama.cpp's names, keys, types and order of rows")
def _(folder):
    for name in ("llama", "llama-biases", "llama-llama3", "llama-linear", "mistral", "qwen2", "qwen3"):
        model = folder_of(name, folder)
        config, original = load(f"{model}/config.json"), safetensors(model)
        heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
        rulezero("convert", model, f"{folder}/{name}.gguf").expect(OK)
        keys, tensors = gguf(f"{folder}/{name}.gguf")
        arch = {"mistral": "llama"}.get(config["model_type"], config["model_type"])
        check(keys["general.architecture"] == arch and keys["general.file_type"] == 0, keys)
        for key, value in ((".block_count", 2), (".embedding_length", 32), (".feed_forward_length", config["intermediate_size"]),
                           (".attention.head_count", heads), (".attention.head_count_kv", kv), (".vocab_size", 96),
                           (".context_length", config["max_position_embeddings"] if "max_position_embeddings" in config else 131072),
                           (".rope.dimension_count", config.get("head_dim", 32 // heads)), (".attention.key_length", config.get("head_dim", 32 // heads))):
            check(keys[arch + key] == value, name, key, keys.get(arch + key), value)
        check(abs(keys[arch + ".attention.layer_norm_rms_epsilon"] / config.get("rms_norm_eps", 1e-6) - 1) < 1e-6, name)
        check(keys["tokenizer.ggml.tokens"] == TOKENS and keys["tokenizer.ggml.pre"] == "smollm" and keys["tokenizer.chat_template"] == TEMPLATE, keys)
        q, k = "model.layers.1.self_attn.q_proj.", "model.layers.1.self_attn.k_proj."
        for hf, theirs, n in ((q, "blk.1.attn_q.", heads), (k, "blk.1.attn_k.", kv), ("model.layers.1.self_attn.v_proj.", "blk.1.attn_v.", 0)):
            for part in ("weight", "bias"):
                if hf + part not in original:
                    check(theirs + part not in tensors, theirs, part)
                    continue
                dtype, shape, raw = original[hf + part]
                raw = struct.pack(f"<{math.prod(shape)}f", *float_of(raw, dtype))
                due = permuted(shape, raw, n, 4) if n and arch == "llama" else raw
                check(tensors[theirs + part] == ("F32", shape, due), name, theirs + part)
        check(("output.weight" in tensors) == (not config.get("tie_word_embeddings", False)), name)
        check(("rope_freqs.weight" in tensors) == (name == "llama-llama3"), name)
        if name == "llama-llama3":
            s, factors = config["rope_scaling"], float_of(tensors["rope_freqs.weight"][2], "F32")
            for i, factor in enumerate(factors):  # the rule as Llama 3.1's authors published it
                wave = 2 * math.pi * config["rope_theta"] ** (2 * i / 16)
                low, high = s["original_max_position_embeddings"] / s["low_freq_factor"], s["original_max_position_embeddings"] / s["high_freq_factor"]
                smooth = (s["original_max_position_embeddings"] / wave - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
                due = 1 if wave < high else s["factor"] if wave > low else 1 / ((1 - smooth) / s["factor"] + smooth)
                check(abs(factor / due - 1) < 1e-5, i, factor, due)


@case("a file of the gguf package is read as it dequantizes it, and Q8_0 is written as it quantizes")
def _(folder):
    expected = load(f"{GGUF}/expected.json")
    rulezero("convert", f"{GGUF}/mixed.gguf", f"{folder}/back").expect(OK)
    found = safetensors(f"{folder}/back")
    check({name: hashlib.sha256(t[2]).hexdigest() for name, t in found.items()} == expected["f32"], "weights differ")
    config = load(f"{folder}/back/config.json")
    check(config["rms_norm_eps"] == 1e-05 and config["bos_token_id"] == 1 and config["eos_token_id"] == 2 and config["num_key_value_heads"] == 2, config)
    check(load(f"{folder}/back/tokenizer_config.json")["chat_template"] == "{{ bos_token }}{{ messages[0]['content'] }}", "template")
    rulezero("convert", folder_of("llama", folder), f"{folder}/q8.gguf", "--dtype", "q8_0").expect(OK)
    keys, tensors = gguf(f"{folder}/q8.gguf")
    check(keys["general.file_type"] == 7 and keys["general.quantization_version"] == 2, keys)
    check({name: hashlib.sha256(t[2]).hexdigest() for name, t in tensors.items() if t[0] == "Q8_0"} == expected["q8_0"], "Q8_0 differs")
    check(tensors["blk.0.ffn_down.weight"][0] == "F16" and tensors["blk.0.attn_norm.weight"][0] == "F32", "rows of 48 are no blocks of 32")
    rulezero("convert", f"{folder}/q8.gguf", f"{folder}/q8.h5").expect(OK)  # and is read


# ---- what is refused ----

@case("nothing is overwritten, and no type is written that a form lacks")
def _(folder):
    model = folder_of("llama", folder)
    for out in ("a.h5", "a.gguf", "a"):
        rulezero("convert", model, f"{folder}/{out}").expect(OK)
        before = snapshot(folder)
        rulezero("convert", model, f"{folder}/{out}").expect(CREATE, "is there already")
        check(not unchanged(before, folder), out, unchanged(before, folder))
    os.mkdir(f"{folder}/empty")
    rulezero("convert", model, f"{folder}/empty").expect(OK)
    rulezero("convert", model, f"{folder}/b.h5", "--dtype", "bf16").expect(USAGE, "*.h5")
    rulezero("convert", model, f"{folder}/b", "--dtype", "q8_0").expect(USAGE, "Hugging Face")
    rulezero("convert", model, f"{folder}/b", "--dtype", "q9").expect(USAGE)
    rulezero("convert", model).expect(USAGE)
    rulezero("convert", model, f"{folder}/b", "more").expect(USAGE, "one word too many")
    check(not os.path.exists(f"{folder}/b") and not os.path.exists(f"{folder}/b.h5"), "something was made")


@case("what a form has no words for is refused, and leaves nothing behind")
def _(folder):
    rulezero("convert", folder_of("qwen3-attention-bias", folder), f"{folder}/a.gguf").expect(DATA, "attention_bias")
    rulezero("convert", MODEL, f"{folder}/b.gguf").expect(DATA, "pre_tokenizer", "Hugging Face folder")
    model = folder_of("llama", folder)
    with open(f"{model}/model.safetensors", "r+b") as f:
        n = struct.unpack("<Q", f.read(8))[0]
        begin = json.loads(f.read(n))["model.layers.1.mlp.up_proj.weight"]["data_offsets"][0]
        f.seek(8 + n + begin + 4)
        f.write(struct.pack("<f", -65520.0))
    for out in ("c", "c.gguf"):
        rulezero("convert", model, f"{folder}/{out}", "--dtype", "f16").expect(DATA, "element 1 of \"model.layers.1.mlp.up_proj.weight\" is -65520", "f16")
    rulezero("convert", model, f"{folder}/d", "--dtype", "bf16").expect(OK)
    check(sorted(os.listdir(folder)) == ["d", "llama", "qwen3-attention-bias"], os.listdir(folder))


def edit(path, old, new):
    with open(path, "rb") as f:
        data = f.read()
    check(data.count(old) == 1, path, old, data.count(old))
    with open(path, "wb") as f:
        f.write(data.replace(old, new))


@case("GGUF files that lie, lack something or were cut are refused")
def _(folder):
    for old, new, said in ((b"llama.block_count", b"llama.block_c0unt", "key llama.block_count is missing"),
                           (struct.pack("<Q", 20) + b"general.architecture" + struct.pack("<IQ", 8, 5) + b"llama",
                            struct.pack("<Q", 20) + b"general.architecture" + struct.pack("<IQ", 8, 5) + b"lama2", "supported are llama, qwen2 and qwen3"),
                           (b"blk.1.ffn_up.weight", b"blk.1.ffn_ap.weight", '"blk.1.ffn_up.weight", which its architecture asks for, is missing'),
                           (b"llama.embedding_length" + struct.pack("<II", 4, 32), b"llama.embedding_length" + struct.pack("<II", 4, 33), "is (96, 32)"),
                           (b"llama.attention.head_count_kv" + struct.pack("<II", 4, 2), b"llama.attention.head_count_kv" + struct.pack("<II", 4, 0),
                            "num_key_value_heads is 0"),
                           (b"llama.block_count" + struct.pack("<II", 4, 2), b"llama.block_count" + struct.pack("<II", 4, 1), "has no place"),
                           (b"llama.block_count" + struct.pack("<II", 4, 2), b"llama.block_count" + struct.pack("<II", 4, 3), "is missing"),
                           (b"llama.rope.dimension_count" + struct.pack("<II", 4, 8), b"llama.rope.dimension_count" + struct.pack("<II", 4, 4),
                            "not the whole head")):
        path = f"{folder}/x.gguf"
        shutil.copy(f"{GGUF}/mixed.gguf", path)
        edit(path, old, new)
        rulezero("convert", path, f"{folder}/out").expect(DATA, "x.gguf", said)
    size = os.path.getsize(f"{GGUF}/mixed.gguf")
    for n in [4, 30, 500] + [size * i // 7 for i in range(1, 7)] + [size - 40]:
        shutil.copy(f"{GGUF}/mixed.gguf", path)
        os.truncate(path, n)
        rulezero("convert", path, f"{folder}/out").expect(DATA, "x.gguf")
    check(os.listdir(folder) == ["x.gguf"], os.listdir(folder))


@case("Llama 3's factors must be those of its rule")
def _(folder):
    path = f"{folder}/x.gguf"
    rulezero("convert", folder_of("llama-llama3", folder), path).expect(OK)
    edit(path, b"rulezero.rope.factor" + struct.pack("<If", 6, 8), b"rulezero.rope.factor" + struct.pack("<If", 6, 9))
    rulezero("convert", path, f"{folder}/out").expect(DATA, "rope_freqs.weight", "other rules are not supported")


@case("a Hugging Face folder and a GGUF file serve as --model")
def _(folder):
    model = folder_of("qwen2", folder)
    rulezero("convert", model, f"{folder}/m.gguf").expect(OK)
    rulezero("convert", model, f"{folder}/m.h5").expect(OK)
    said = [rulezero("generate", "--model", m, "--prompt", "ab", "--max-new", "8", "--json").expect(OK).out for m in
            (model, f"{folder}/m.gguf", f"{folder}/m.h5")]
    check(said[0] == said[1] == said[2] and said[0], said)
    rulezero("diff", f"{folder}/m.h5", f"{folder}/m.h5").expect(OK)
    found = json.loads(rulezero("inspect", f"{folder}/m.h5", "--json").expect(OK).out)
    check("extras/chat_template" in json.dumps(found), found)


if __name__ == "__main__":
    main(workers=2)
