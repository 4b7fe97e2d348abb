#!/usr/bin/env python3
"""Writes tests/golden/models/: tiny random models of every architecture that rulezero reads, as Hugging Face folders, with what transformers computes of
them in binary32 and binary64. Norms are U(0.3, 3) and biases N(0, 1): a missing one shows. Needs torch, transformers and safetensors (made with
torch 2.15, transformers 5.24); ./check only reads what it wrote.

    python3 tests/golden/models.py            all models
    python3 tests/golden/models.py NAME …     some
"""
import json
import os
import shutil
import sys
import zlib

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
SIZES = {"vocab_size": 96, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
         "max_position_embeddings": 128, "hidden_act": "silu", "initializer_range": 0.02, "use_cache": True, "attention_dropout": 0.0,
         "torch_dtype": "float32", "bos_token_id": 1, "eos_token_id": 2}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}

# name: (config on top of SIZES; None takes a field out), type of the weights, shards
MODELS = {
    "llama": ({"model_type": "llama", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False, "rope_scaling": None}, "f32", 1),
    "llama-silent": ({"model_type": "llama", "num_key_value_heads": ..., "max_position_embeddings": ...}, "f16", 1),
    "llama-tied": ({"model_type": "llama", "rms_norm_eps": 1e-5, "rope_theta": 100, "tie_word_embeddings": True, "num_key_value_heads": 1}, "bf16", 1),
    "llama-attention-bias": ({"model_type": "llama", "rms_norm_eps": 1e-2, "attention_bias": True, "tie_word_embeddings": True, "rope_theta": 1000.0},
                             "f32", 1),
    "llama-mlp-bias": ({"model_type": "llama", "mlp_bias": True, "num_attention_heads": 2, "num_key_value_heads": 2, "rope_theta": 1000.0,
                        "tie_word_embeddings": True, "head_dim": 20}, "f32", 1),
    "llama-biases": ({"model_type": "llama", "attention_bias": True, "mlp_bias": True, "rope_theta": 5000.0, "tie_word_embeddings": False}, "bf16", 2),
    "llama-linear": ({"model_type": "llama", "rope_theta": 100.0, "rope_scaling": {"type": "linear", "factor": 2.5}, "tie_word_embeddings": True},
                     "f32", 1),
    "llama-linear-new": ({"model_type": "llama", "rope_parameters": {"rope_theta": 100.0, "rope_type": "linear", "factor": 3},
                          "tie_word_embeddings": True}, "f32", 1),
    "llama-llama3": ({"model_type": "llama", "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "rope_scaling": LLAMA3, "head_dim": 16,
                      "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": True}, "f32", 1),
    "llama-llama3-new": ({"model_type": "llama", "rope_parameters": dict(LLAMA3, rope_theta=10000.0, factor=32.0), "head_dim": 24,
                          "num_attention_heads": 2, "tie_word_embeddings": True}, "f16", 1),
    "mistral": ({"model_type": "mistral", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": None, "head_dim": 14,
                 "max_position_embeddings": ..., "tie_word_embeddings": False}, "bf16", 1),
    "mistral-window": ({"model_type": "mistral", "sliding_window": 128, "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"},
                        "tie_word_embeddings": True}, "f32", 1),
    "qwen2": ({"model_type": "qwen2", "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "sliding_window": 64, "use_sliding_window": False,
               "max_window_layers": 1, "tie_word_embeddings": True}, "f32", 1),
    "qwen2-new": ({"model_type": "qwen2", "rope_parameters": {"rope_theta": 1000.0, "rope_type": "default"}, "sliding_window": None,
                   "use_sliding_window": False, "layer_types": ["full_attention"] * 2, "tie_word_embeddings": False}, "bf16", 3),
    "qwen3": ({"model_type": "qwen3", "rms_norm_eps": 1e-6, "rope_theta": 1000000, "head_dim": 20, "attention_bias": False, "rope_scaling": None,
               "use_sliding_window": False, "sliding_window": None, "max_window_layers": 2, "tie_word_embeddings": True}, "f32", 1),
    "qwen3-silent": ({"model_type": "qwen3", "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": ...}, "bf16", 1),
    "qwen3-attention-bias": ({"model_type": "qwen3", "attention_bias": True, "head_dim": 8, "rms_norm_eps": 1e-3, "tie_word_embeddings": True,
                              "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}, "f32", 1),
}
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
LENGTHS = (60, 9, 2)
N_GREEDY = 24


def random_weights(model, generator):
    """Names as saved: a tied head is not."""
    weights = {}
    for name, p in model.named_parameters():
        if name.endswith("norm.weight"):
            w = 0.3 + 2.7 * torch.rand(p.shape, generator=generator)
        elif name.endswith(".bias"):
            w = torch.randn(p.shape, generator=generator)
        else:
            std = (0.25 if model.config.tie_word_embeddings else 1.0) if "embed" in name else 0.8 / p.shape[1] ** 0.5
            w = torch.randn(p.shape, generator=generator) * std
        weights[name] = w
    return weights


def save(folder, weights, shards):
    if shards == 1:
        save_file(weights, os.path.join(folder, "model.safetensors"), {"format": "pt"})
        return
    names, index = sorted(weights), {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {n: weights[n] for n in names[i::shards]}
        save_file(part, os.path.join(folder, file), {"format": "pt"})
        index.update({n: file for n in part})
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": sum(w.numel() * w.element_size() for w in weights.values())}, "weight_map": index}, f, indent=1)


def load(folder, dtype):
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    return model.to(dtype).eval()


def logprobs(model, ids):
    """Of every token but the first, and the distribution after the last."""
    with torch.no_grad():
        logp = torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)
    return [logp[i, t].item() for i, t in enumerate(ids[1:])], logp[-1]


def gradient_norms(model, ids):
    model.zero_grad()
    x = torch.tensor([ids])
    loss = torch.nn.functional.cross_entropy(model(x).logits[0, :-1], x[0, 1:])
    loss.backward()
    return loss.item(), {n: p.grad.double().norm().item() for n, p in model.named_parameters()}


def short(x, digits):
    if isinstance(x, dict):
        return {k: short(v, digits) for k, v in x.items()}
    return [short(v, digits) for v in x] if isinstance(x, list) else float(f"{x:.{digits}g}")


def expected(folder, generator, vocab):
    f32, f64 = load(folder, torch.float32), load(folder, torch.float64)
    result = {"sequences": [], "greedy": {}, "gradients": []}
    for n in LENGTHS:
        ids = torch.randint(0, vocab, (n,), generator=generator).tolist()
        narrow, last = logprobs(f32, ids)
        wide, last64 = logprobs(f64, ids)
        top = torch.topk(last64, 11)
        result["sequences"].append({"ids": ids, "logprobs_f32": short(narrow, 9), "logprobs_f64": short(wide, 12),
                                    "last_top_ids": top.indices.tolist(), "last_top_logprobs_f64": short(top.values.tolist(), 12)})
    prompt = torch.randint(0, vocab, (5,), generator=generator).tolist()
    ids, gaps = list(prompt), []
    for _ in range(N_GREEDY):
        top = torch.topk(logprobs(f64, ids)[1], 2)
        ids.append(top.indices[0].item())
        gaps.append((top.values[0] - top.values[1]).item())
    result["greedy"] = {"prompt": prompt, "ids": ids[len(prompt):], "gap": short(gaps, 6)}
    for n in LENGTHS[:2]:
        ids = torch.randint(0, vocab, (n,), generator=generator).tolist()
        loss32, norms32 = gradient_norms(f32, ids)
        loss64, norms64 = gradient_norms(f64, ids)
        result["gradients"].append({"ids": ids, "loss_f32": short(loss32, 9), "loss_f64": short(loss64, 12), "norms_f32": short(norms32, 9),
                                    "norms_f64": short(norms64, 12)})
    return result


def make(name):
    changes, dtype, shards = MODELS[name]
    config = {k: v for k, v in {**SIZES, **changes}.items() if v is not ...}
    config["torch_dtype"] = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}[dtype]
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    config["architectures"] = [type(AutoModelForCausalLM.from_config(AutoConfig.for_model(**dict(config, rope_scaling=None)))).__name__]
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f, indent=2, sort_keys=True)
        f.write("\n")
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    save(folder, {n: w.to(DTYPES[dtype]).contiguous() for n, w in random_weights(model, generator).items()}, shards)
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)
    with open(os.path.join(folder, "expected.json"), "w") as f:
        f.write(json.dumps(expected(folder, generator, config["vocab_size"])).replace("}, {", "},\n {").replace(', "', ',\n  "'))
        f.write("\n")


# Frequencies of RoPE at real sizes: rope_type, theta, head_dim, parameters
FREQUENCIES = [
    ("default", 1e4, 64, {}), ("default", 1e6, 128, {}), ("default", 5e5, 80, {}), ("linear", 1e4, 128, {"factor": 4.0}),
    ("llama3", 5e5, 128, {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
    ("llama3", 5e5, 64, {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
    ("llama3", 1e4, 128, {"factor": 3.7, "low_freq_factor": 1.3, "high_freq_factor": 9.1, "original_max_position_embeddings": 1000}),
]


def frequencies():
    lines = ["/* Written by tests/golden/models.py: what transformers computes. */",
             "static const struct { rz_arch arch; float frequency[64]; } torch_frequencies[] = {"]
    for kind, theta, dim, parameters in FREQUENCIES:
        config = AutoConfig.for_model("llama", hidden_size=2 * dim, num_attention_heads=2, max_position_embeddings=131072,
                                      rope_parameters=dict(parameters, rope_type=kind, rope_theta=theta))
        if kind == "default":
            f = 1.0 / (theta ** (torch.arange(0, dim, 2, dtype=torch.int64).float() / dim))
        else:
            f, _ = ROPE_INIT_FUNCTIONS[kind](config, "cpu")
        fields = "".join(f", .{k} = {v}" for k, v in parameters.items())
        lines.append(f"    {{{{.head_dim = {dim}, .rope_theta = {theta}, .rope_type = RZ_ROPE_{kind.upper()}{fields}}}, {{")
        values = [f"{x:.9e}f" for x in f.tolist()]
        lines += ["        " + ", ".join(values[i:i + 8]) + "," for i in range(0, len(values), 8)]
        lines.append("    }},")
    lines.append("};\n")
    with open(os.path.join(OUT, "frequencies.inc"), "w") as f:
        f.write("\n".join(lines))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    os.makedirs(OUT, exist_ok=True)
    for which in sys.argv[1:] or MODELS:
        make(which)
    frequencies()
