#!/usr/bin/env python3
"""Converts a model and has transformers and llama.cpp load what was written: do they give the tokens that rulezero gives? Greedy, 32 tokens of five prompts.

    python3 bench/compare_elsewhere.py MODEL [FOLDER]

Needs build/rulezero, transformers, torch and llama-cpp-python. FOLDER (default: a temporary one) keeps the converted files. A token that differs counts
as a near tie when rulezero's two likeliest are less than 1e-3 apart there, as for other comparisons; quantised types round activations in llama.cpp, so
near ties are wider there: what is told is how far apart the two were."""
import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import warnings

PROMPTS = ["The capital of France is", "Which number is larger, 3.9 or 3.11? Let us think step by step.",
           "<|im_start|>user\nWrite a haiku about rain.<|im_end|>\n<|im_start|>assistant\n", "def fibonacci(n):\n    ",
           "Once upon a time, in a small village by the sea, there lived"]
N = 32
BINARY = os.environ.get("RULEZERO", "build/rulezero")


def rulezero(*words, text=None):
    result = subprocess.run([BINARY, *words], input=text, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(words)}: {result.stderr}")
    return result.stdout


def ours(model):
    """[(prompt ids, completion ids)]"""
    found = []
    for prompt in PROMPTS:
        line = json.loads(rulezero("generate", "--model", model, "--prompt", prompt, "--temperature", "0", "--max-new", str(N), "--json"))
        found.append((line["prompt_ids"], line["completion_ids"]))
    return found


def margin(model, ids):
    """Natural logarithms of rulezero's two likeliest next ids, one less the other."""
    line = json.loads(rulezero("logprobs", "--model", model, text=json.dumps({"ids": ids}) + "\n"))
    return line["last_top_logprobs"][0] - line["last_top_logprobs"][1]


def transformers_tokens(folder):
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setLevel(logging.WARNING)
    logging.getLogger("transformers").addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
        found = []
        for prompt in PROMPTS:
            ids = tokenizer(prompt, add_special_tokens=False).input_ids
            with torch.no_grad():
                out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False, max_new_tokens=N,
                                     pad_token_id=model.generation_config.eos_token_id)
            found.append((ids, out[0, len(ids):].tolist()))
    missing = {k: sorted(v) for k, v in info.items() if v}
    words = said.getvalue().strip()
    print(f"transformers {transformers.__version__}: {type(model).__name__}, {model.dtype}; "
          f"{len(caught)} warnings{' ' + str([str(w.message) for w in caught]) if caught else ''}; logged: {words or 'nothing'}; keys: {missing or 'all'}")
    return found


def llama_tokens(path):
    import llama_cpp
    with contextlib.redirect_stderr(io.StringIO()):
        model = llama_cpp.Llama(path, n_ctx=512, n_threads=1, n_threads_batch=1, verbose=False)
    found = []
    for prompt in PROMPTS:
        ids = model.tokenize(prompt.encode(), add_bos=False, special=True)
        out = []
        model.reset()
        for token in model.generate(ids, top_k=1, temp=0.0, repeat_penalty=1.0):
            out.append(token)
            if len(out) == N or token == model.token_eos():
                break
        found.append((ids, out))
    return found


def compare(what, model, mine, theirs):
    same, notes = 0, []
    for i, ((ids, a), (ids_there, b)) in enumerate(zip(mine, theirs)):
        if ids != ids_there:
            notes.append(f"prompt {i}: other ids")
        elif a == b:
            same += 1
        else:
            at = next((j for j, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            notes.append(f"prompt {i}: token {at} differs, ours ahead by {margin(model, ids + a[:at]):.4f}")
    print(f"{what}: the same tokens for {same} of {len(PROMPTS)} prompts{'; ' + '; '.join(notes) if notes else ''}")


def main():
    model = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="rulezero-elsewhere-")
    os.makedirs(folder, exist_ok=True)
    rulezero("convert", model, f"{folder}/hf")
    mine = ours(model)
    for ids, out in mine:
        print(f"  {len(ids)} tokens in, {len(out)} out")
    compare("transformers, f32", model, mine, transformers_tokens(f"{folder}/hf"))
    for dtype in ("f32", "bf16", "q8_0"):
        path = f"{folder}/{dtype}.gguf"
        rulezero("convert", model, path, "--dtype", dtype)
        compare(f"llama.cpp, {dtype}", path, ours(path), llama_tokens(path))


if __name__ == "__main__":
    main()
