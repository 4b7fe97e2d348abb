"""PyTorch: forward, cross-entropy, backward and (fused) AdamW on a batch of sequences. Prints one JSON object.

    train.py MODEL BATCH LENGTH eager|compile|autocast ROUNDS    (autocast: eager, products in bfloat16)"""
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
path, batch, length, how, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
ids = torch.randint(3, 500, (batch, length + 1))


def loss_of(inputs, targets):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=how == "autocast"):
        logits = model(input_ids=inputs, use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


step_loss = torch.compile(loss_of) if how == "compile" else loss_of
seconds = []
for _ in range(rounds + 1):
    start = time.perf_counter()
    step_loss(ids[:, :-1], ids[:, 1:]).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds[1:], "first": seconds[0], "tokens": batch * length}))
