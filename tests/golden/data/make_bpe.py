"""Writes bpe.jsonl and bpe.gguf: what Hugging Face's tokenizers library (0.23.3) makes of generated texts, with small trained vocabularies and many kinds of
tokenizer.json. Run it from the repository root, with the packages tokenizers and gguf.

Lines of bpe.jsonl: {"base": name, "model": …} a model; {"tokenizer": name, "base": name, "model": overrides, "json": the rest} a tokenizer made of it, which the
cases that follow are for: {"text", "ids", "decoded", "decoded_special", "plain"?: ids with special tokens taken as text, "special"?: ids with the template's}
or the same without text, for ids drawn at random."""
import copy
import json
import random
import sys

import gguf
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers

sys.path.insert(0, "bench")
from compare_tokenizers import CODE, MARKS, WORDS, text  # noqa: E402

GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
QWEN2 = LLAMA3.replace("\\p{N}{1,3}", "\\p{N}")
TEKKEN = ("[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
          "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
BYTES_GPT2 = BYTES | {"use_regex": True}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def sequence(*items):
    return {"type": "Sequence", "pretokenizers": list(items)}


def normal(*items):
    return {"type": "Sequence", "normalizers": list(items)}


def replace(pattern, content, kind="String"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def decoders(*items):
    return {"type": "Sequence", "decoders": list(items)}


def added(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} | flags


END = [added("<|end|>"), added("<|end|>x", special=False), added("<think>", special=False)]
FLAGS = [added("<l>", lstrip=True), added("<r>", rstrip=True, special=False), added("<lr>", lstrip=True, rstrip=True), added("one", single_word=True, special=False),
         added("Zeit", normalized=True, special=False), added("É1", normalized=True, special=False), added(" two ", special=False)]
FALLBACK = decoders(replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0})
META = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
BEGIN = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                                  {"SpecialToken": {"id": "<|end|>", "type_id": 0}}], "pair": [],
         "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [None], "tokens": ["<|end|>"]}}}

# name, base, overrides of the model, pre_tokenizer, normalizer, decoder, added tokens, post_processor
KINDS = [
    ("gpt2", "bytes", {}, BYTES_GPT2 | {"add_prefix_space": True}, None, BYTES, END, BYTES),
    ("smollm", "bytes", {}, sequence({"type": "Digits", "individual_digits": True}, BYTES_GPT2), None, BYTES, END, None),
    ("llama3", "bytes", {"ignore_merges": True}, sequence(split(LLAMA3), BYTES), None, BYTES, END, {"type": "Sequence", "processors": [BYTES, BEGIN]}),
    ("qwen2", "bytes", {}, sequence(split(QWEN2), BYTES), {"type": "NFC"}, BYTES, END, BYTES),
    ("tekken", "bytes", {"ignore_merges": True}, sequence(split(TEKKEN), BYTES), None, BYTES, END, None),
    ("deepseek", "bytes", {}, sequence(split("\\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"), BYTES),
     normal(), BYTES, END, None),
    ("flags", "bytes", {}, BYTES_GPT2, normal({"type": "NFC"}, {"type": "Lowercase"}), BYTES, FLAGS, None),
    ("unknown", "some bytes", {"unk_token": "e"}, BYTES_GPT2, None, BYTES, [], None),
    ("dropped", "some bytes", {}, BYTES_GPT2, None, BYTES, [], None),
    ("nfkc", "bytes", {}, BYTES_GPT2, normal({"type": "NFKC"}, {"type": "Lowercase"}, replace("ab", "b"), replace("[0-9]{2,}|\\s+", "#", "Regex")), BYTES, [], None),
    ("nfd", "bytes", {}, sequence({"type": "Punctuation", "behavior": "Isolated"}, BYTES), {"type": "NFD"}, BYTES, [], None),
    ("nfkd", "bytes", {}, sequence({"type": "Digits", "individual_digits": False}, BYTES), {"type": "NFKD"}, BYTES, [], None),
    ("removed", "bytes", {}, sequence(split("\\d+|\\p{P}", "Removed"), BYTES), None, BYTES, [], None),
    ("inverted", "bytes", {}, sequence(split("\\p{L}+", "Removed", True), BYTES), None, BYTES, [], None),
    ("previous", "bytes", {}, sequence(split("[\\s,.]", "MergedWithPrevious"), BYTES), None, BYTES, [], None),
    ("next", "bytes", {}, sequence(split("[\\s,.]", "MergedWithNext"), BYTES), None, BYTES, [], None),
    ("next inverted", "bytes", {}, sequence(split("\\S", "MergedWithNext", True), split("e", "MergedWithPrevious", True), BYTES), None, BYTES, [], None),
    ("contiguous", "bytes", {}, sequence(split("[\\S]", "Contiguous"), BYTES), None, BYTES, [], None),
    ("string", "bytes", {}, sequence(split(".", "Contiguous", False, "String"), split("the", "Isolated", False, "String"), BYTES), None, BYTES, [], None),
    ("empty", "bytes", {}, sequence(split("\\p{N}*", "Isolated"), split("^e|\n?$", "Isolated"), BYTES), None, BYTES, [], None),
    ("whitespace", "characters", {"unk_token": "<unk>"}, {"type": "Whitespace"}, None, None, END, None),
    ("punctuation", "characters", {"unk_token": "<unk>", "fuse_unk": True}, sequence({"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Contiguous"}),
     None, None, END, None),
    ("llama2", "characters", {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}, None, normal({"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")),
     FALLBACK, END, None),
    ("metaspace", "characters", {"unk_token": "<unk>", "byte_fallback": True}, META, None, META, END, None),
    ("first", "characters", {"unk_token": "<unk>"}, META | {"prepend_scheme": "first", "split": False}, None, decoders({"type": "ByteFallback"}, META), END, None),
    ("never", "characters", {}, sequence(META | {"prepend_scheme": "never"}), None, META | {"prepend_scheme": "never"}, END, None),
    ("strips", "characters", {"unk_token": "<unk>", "byte_fallback": True}, META, None,
     decoders({"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": "▁", "start": 2, "stop": 2}, replace("[aeiou]", "*", "Regex")), END, None),
]


def train(bytes_level, size, alphabet):
    tokenizer = Tokenizer(models.BPE(byte_fallback=not bytes_level))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False) if bytes_level else pre_tokenizers.Metaspace()
    special = [] if bytes_level else ["<unk>"] + [f"<0x{b:02X}>" for b in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, limit_alphabet=len(alphabet) or 60, special_tokens=special, show_progress=False)
    draw = random.Random(3)
    tokenizer.train_from_iterator([" ".join(draw.choice(WORDS + CODE + MARKS + ["one two"]) for _ in range(2000))], trainer)
    return json.loads(tokenizer.to_str())["model"]


def kinds(bases):
    for name, base, overrides, pre, normalizer, decoder, tokens, processor in KINDS:
        model = bases[base] | overrides
        first = len(model["vocab"])
        root = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [{"id": first + i} | t for i, t in enumerate(tokens)], "normalizer": normalizer,
                "pre_tokenizer": pre, "post_processor": json.loads(json.dumps(processor).replace("[null]", f"[{first}]")), "decoder": decoder}
        yield name, base, overrides, root, Tokenizer.from_str(json.dumps(root | {"model": model}))


def case(tokenizer, content, ids):
    made = {"text": content, "ids": ids} if content is not None else {"ids": ids}
    try:
        made |= {"decoded": tokenizer.decode(ids, skip_special_tokens=True), "decoded_special": tokenizer.decode(ids, skip_special_tokens=False)}
    except BaseException as e:  # Strip panics on a text shorter than what it may strip
        if type(e).__name__ != "PanicException":
            raise
    return {k: v for k, v in made.items() if k != "decoded" or v != made["decoded_special"]}  # no decoded: the same


def write_gguf(model):
    tokens = sorted(model["vocab"], key=model["vocab"].get) + ["<|end|>", "<think>"]
    out = gguf.GGUFWriter("tests/golden/data/bpe.gguf", "llama")
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("smollm")
    out.add_token_list(tokens)
    out.add_token_types([1] * len(model["vocab"]) + [3, 4])
    out.add_token_merges([" ".join(m) for m in model["merges"]])
    out.add_bos_token_id(len(tokens) - 2)
    out.add_eos_token_id(len(tokens) - 2)
    out.add_add_bos_token(True)
    out.add_chat_template("{{ messages }}")
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.close()


def main():
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bases = {"bytes": train(True, 360, alphabet), "characters": train(False, 420, [])}
    some = copy.deepcopy(bases["bytes"])
    gone = {c for c in "ÃĠxz0"}
    some["vocab"] = {t: i for i, t in enumerate(t for t in some["vocab"] if not gone & set(t))}
    some["merges"] = [m for m in some["merges"] if not gone & set(m[0] + m[1])]
    bases["some bytes"] = some
    draw = random.Random(7)
    with open("tests/golden/data/bpe.jsonl", "w", encoding="utf-8") as out:
        def line(row):
            out.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n")
        for name, model in bases.items():
            line({"base": name, "model": model})
        for name, base, overrides, root, tokenizer in kinds(bases):
            line({"tokenizer": name, "base": base, "model": overrides, "json": root})
            written = [t["content"] for t in root["added_tokens"]]
            special = {t["content"] for t in root["added_tokens"] if t["special"]}
            fixed = ["", " ", "a", " <l> <r>  <lr>\n\n<lr> x<r> ", "one two one's stone\u0301 one", "ZEIT Zeit e\u03011 <|end|>x<|end|><|end", "\u1e9b\u0323 \u212b\u1100\u1161\u11a8 ŀÅ\uc694\u11a7\u1100\u1161\u11a7\u11a8"]
            for content in fixed + [text(draw, written)[:48] for _ in range(13)]:
                row = case(tokenizer, content, tokenizer.encode(content, add_special_tokens=False).ids)
                if root["post_processor"]:
                    row["special"] = tokenizer.encode(content).ids
                if special and any(s in content for s in special) and all(t["special"] or t["content"] not in content for t in root["added_tokens"]):
                    tokenizer.encode_special_tokens = True
                    row["plain"] = tokenizer.encode(content, add_special_tokens=False).ids
                    tokenizer.encode_special_tokens = False
                line(row)
            known = sorted(tokenizer.get_vocab().values())
            for _ in range(4):
                line(case(tokenizer, None, draw.choices(known, k=draw.randint(1, 12))))
            if base == "characters":  # runs of bytes, cut anywhere
                data = "▁aé中\U0001f600".encode()
                for _ in range(6):
                    cut = data[draw.randint(0, 4):draw.randint(5, len(data))]
                    line(case(tokenizer, None, [model_id(tokenizer, "▁")] * draw.randint(0, 3) + [model_id(tokenizer, f"<0x{b:02X}>") for b in cut]))
    write_gguf(bases["bytes"])


def model_id(tokenizer, token):
    return tokenizer.token_to_id(token)


main()
