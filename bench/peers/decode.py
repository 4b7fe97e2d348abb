"""transformers' generate: sampling at temperature 1 without filters, every sequence to its full length. Prints one JSON object.

    decode.py MODEL BATCH PROMPT NEW DTYPE ROUNDS"""
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
path, batch, prompt, new, dtype, rounds = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5], int(sys.argv[6])
model = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype)).eval()
model.generation_config.pad_token_id = 0
ids = torch.randint(3, 500, (batch, prompt))
how = dict(attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0, eos_token_id=None)
seconds = []
with torch.inference_mode():
    model.generate(ids, max_new_tokens=2, min_new_tokens=2, **how)
    for _ in range(rounds):
        start = time.perf_counter()
        out = model.generate(ids, max_new_tokens=new, min_new_tokens=new, **how)
        seconds.append(time.perf_counter() - start)
        assert out.shape == (batch, prompt + new)
print(json.dumps({"seconds": seconds, "tokens": batch * new}))
