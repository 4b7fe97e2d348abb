#!/usr/bin/env python3
"""Writes tests/golden/gguf/: what the gguf package makes of tests/golden/models. mixed.gguf is the model `llama` with its tensors in types in turn, named and
permuted as llama.cpp's converter does (its rule for queries and keys: reshape(heads, 2, rows // heads // 2, cols).swapaxes(1, 2)), with a tokenizer of one
character a token; expected.json has the SHA-256 of what its tensors are as little-endian F32, in Hugging Face's order, by the package's own dequantize,
and of what `llama` is in Q8_0. Needs gguf (made with 0.19), numpy and safetensors; ./check only reads what it wrote."""
import hashlib
import json
import os

import gguf
import numpy as np
from safetensors.numpy import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL, OUT = os.path.join(HERE, "models", "llama"), os.path.join(HERE, "gguf")
TYPES = [gguf.GGMLQuantizationType[t] for t in ("Q8_0", "F16", "Q4_0", "BF16", "Q4_1", "F32", "Q5_0", "Q5_1")]
LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down"}
OTHER = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def name_of(name):
    if name in OTHER:
        return OTHER[name]
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}.{LAYER[part[:-len('.weight')]]}.weight"


def heads_of(name, config):
    return config["num_attention_heads"] if ".q_proj." in name else config["num_key_value_heads"] if ".k_proj." in name else 0


def permute(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def unpermute(w, heads):
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def main():
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(MODEL, "config.json")) as f:
        config = json.load(f)
    weights = load_file(os.path.join(MODEL, "model.safetensors"))
    writer = gguf.GGUFWriter(os.path.join(OUT, "mixed.gguf"), "llama")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(["<unk>", "<s>", "</s>"] + [chr(33 + i) for i in range(92)] + ["ab"])
    writer.add_token_types([2, 3, 3] + [1] * 93)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template("{{ bos_token }}{{ messages[0]['content'] }}")
    expected, n = {"f32": {}, "q8_0": {}}, 0
    for name in sorted(weights):
        w, heads = weights[name], heads_of(name, config)
        theirs = permute(w, heads) if heads else w
        kind = gguf.GGMLQuantizationType.F32
        if w.ndim == 2:
            kind, n = TYPES[n % len(TYPES)], n + 1
            if w.shape[1] % 32 and kind not in (gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16):
                kind = gguf.GGMLQuantizationType.F32
            if w.shape[1] % 32 == 0:
                expected["q8_0"][name_of(name)] = sha(gguf.quantize(theirs, gguf.GGMLQuantizationType.Q8_0))
        data = gguf.quantize(theirs, kind)
        back = gguf.dequantize(data, kind).astype("<f4").reshape(w.shape)
        expected["f32"][name] = sha(unpermute(back, heads) if heads else back)
        writer.add_tensor(name_of(name), data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with open(os.path.join(OUT, "expected.json"), "w") as f:
        json.dump(expected, f, indent=1, sort_keys=True)
        f.write("\n")


if __name__ == "__main__":
    main()
