#!/usr/bin/env python3
"""What transformers computes of a GGUF file of a llama, for bench/compare_model.py: the tensors are dequantised by the gguf package and its heads unpermuted
here, so that nothing of rulezero is between. Needs torch, transformers, gguf, numpy.

    python3 bench/make_reference.py MODEL.gguf IDS.jsonl > REFERENCE.json        (IDS.jsonl: {"ids": [...]} a line)"""
import json
import sys

import gguf
import torch
from transformers import LlamaConfig, LlamaForCausalLM

GREEDY = 24
NAMES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj"}
OUTER = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight", "output.weight": "lm_head.weight"}


def load(path):
    file = gguf.GGUFReader(path)
    key = lambda name: file.get_field("llama." + name).contents()
    tensors = {t.name: torch.from_numpy(gguf.quants.dequantize(t.data, t.tensor_type).copy()) for t in file.tensors}
    heads = {"attn_q": key("attention.head_count"), "attn_k": key("attention.head_count_kv")}
    tied = "output.weight" not in tensors
    config = LlamaConfig(vocab_size=tensors["token_embd.weight"].shape[0], hidden_size=key("embedding_length"), intermediate_size=key("feed_forward_length"),
                         num_hidden_layers=key("block_count"), num_attention_heads=heads["attn_q"], num_key_value_heads=heads["attn_k"],
                         rms_norm_eps=key("attention.layer_norm_rms_epsilon"), max_position_embeddings=key("context_length"), tie_word_embeddings=tied,
                         rope_parameters={"rope_theta": key("rope.freq_base"), "rope_type": "default"}, attn_implementation="eager")
    state = {}
    for name, w in tensors.items():
        part = name.split(".")
        if name in OUTER:
            state[OUTER[name]] = w
            continue
        if part[2] in heads:  # interleaved pairs back to halves
            n = heads[part[2]]
            w = w.reshape(n, w.shape[0] // n // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
        state[f"model.layers.{part[1]}.{NAMES[part[2]]}.{part[3]}"] = w
    if tied:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model = LlamaForCausalLM(config)
    model.load_state_dict(state)
    return model.eval()


def distributions(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)


def gradient_norms(model, ids):
    model.zero_grad()
    x = torch.tensor([ids])
    loss = torch.nn.functional.cross_entropy(model(x).logits[0, :-1], x[0, 1:])
    loss.backward()
    return loss.item(), {n: p.grad.double().norm().item() for n, p in model.named_parameters()}


narrow = load(sys.argv[1])
result = []
for line in open(sys.argv[2], encoding="utf-8"):
    ids = json.loads(line)["ids"]
    logp = distributions(narrow, ids)
    greedy = list(ids)
    for _ in range(GREEDY):
        greedy.append(int(distributions(narrow, greedy)[-1].argmax()))
    top = torch.topk(logp[-1], 10)
    loss, norms = gradient_norms(narrow, ids)
    result.append({"ids": ids, "loss": loss, "grad_norms": norms, "logprobs_f32": [logp[i, t].item() for i, t in enumerate(ids[1:])], "last_top_ids": top.indices.tolist(),
                   "last_top_logprobs": top.values.tolist(), "greedy_24": greedy[len(ids):]})
narrow.zero_grad()
wide = narrow.double()
for r in result:
    logp = distributions(wide, r["ids"])
    r["logprobs_f64"] = [logp[i, t].item() for i, t in enumerate(r["ids"][1:])]
json.dump(result, sys.stdout)
