"""Random weights in the shapes that bench/run compares (those of `rulezero bench --shape`), for transformers and, as GGUF, for llama.cpp.

    models.py FOLDER NAME...      writes FOLDER/NAME (Hugging Face) and FOLDER/NAME-f32.gguf, FOLDER/NAME-bf16.gguf; NAME is small or qwen0.5b

What lies there is kept. Needs torch, transformers and gguf."""
import os
import sys

SHAPES = {
    "small": dict(vocab_size=512, hidden_size=192, intermediate_size=576, num_hidden_layers=6, num_attention_heads=6, num_key_value_heads=6,
                  rope_theta=10000.0),
    "qwen0.5b": dict(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
                     rope_theta=1000000.0),
}
GGUF_NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
              "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
              "mlp.down_proj": "ffn_down"}


def write_checkpoint(folder, name):
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM
    torch.manual_seed(0)
    shape = dict(SHAPES[name])
    theta = shape.pop("rope_theta")
    config = Qwen2Config(**shape, max_position_embeddings=16384, tie_word_embeddings=True, rms_norm_eps=1e-6, bos_token_id=1, eos_token_id=2,
                         rope_parameters={"rope_type": "default", "rope_theta": theta})
    Qwen2ForCausalLM(config).save_pretrained(f"{folder}/{name}", max_shard_size="100GB")


def gguf_name(tensor):
    whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    if tensor in whole:
        return whole[tensor]
    layer, rest = tensor.removeprefix("model.layers.").split(".", 1)
    module, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{GGUF_NAMES[module]}.{kind}"


def write_gguf(folder, name, dtype):
    import gguf
    from safetensors import safe_open
    shape = SHAPES[name]
    part = f"{folder}/{name}-{dtype}.gguf.part"
    writer = gguf.GGUFWriter(part, "qwen2")
    writer.add_context_length(16384)
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(shape["rope_theta"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32 if dtype == "f32" else gguf.LlamaFileType.MOSTLY_BF16)
    # A vocabulary that loads: the 256 bytes and words without a meaning. Nothing is ever tokenized.
    words = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    more = shape["vocab_size"] - len(words)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words + [f"w{i}" for i in range(more)])
    writer.add_token_scores([0.0] * shape["vocab_size"])
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * more)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    with safe_open(f"{folder}/{name}/model.safetensors", "np") as tensors:
        for key in tensors.keys():
            x = tensors.get_tensor(key)
            kind = gguf.GGMLQuantizationType.BF16 if dtype == "bf16" and x.ndim == 2 else gguf.GGMLQuantizationType.F32
            writer.add_tensor(gguf_name(key), gguf.quants.quantize(x, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.rename(part, part.removesuffix(".part"))


def main(folder, *names):
    os.makedirs(folder, exist_ok=True)
    for name in names:
        if not os.path.exists(f"{folder}/{name}/config.json"):
            write_checkpoint(folder, name)
        for dtype in ("f32", "bf16"):
            if not os.path.exists(f"{folder}/{name}-{dtype}.gguf"):
                write_gguf(folder, name, dtype)


if __name__ == "__main__":
    main(*sys.argv[1:])
