"""TRL's GRPOTrainer with transformers' generate: whole GRPO steps. Prints one JSON object.

    grpo.py MODEL PROMPTS GROUP PROMPT_TOKENS LENGTHS STEPS WARM MICROBATCH

LENGTHS are those of the completions in turn, separated by commas, repeated as often as needed; one number: all have it. A completion ends by the end token
there and nowhere else (a logits processor sees to that), so that the work is known. The reward costs nothing: the share of even tokens. On policy, one update
a step, no KL term, no gradient checkpointing; a backward pass takes MICROBATCH sequences. STEPS are timed after WARM others."""
import json
import os
import sys
import tempfile
import time

os.environ.update(TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="", HF_HUB_OFFLINE="1", WANDB_MODE="disabled")
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LogitsProcessor, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

torch.set_num_threads(1)
END = 2
path = sys.argv[1]
n_prompts, group, prompt_tokens = map(int, sys.argv[2:5])
lengths = [int(n) for n in sys.argv[5].split(",")]
steps, warm, microbatch = map(int, sys.argv[6:9])
batch = n_prompts * group
lengths = torch.tensor([lengths[i % len(lengths)] for i in range(batch)])
real_stdout = os.dup(1)
os.dup2(2, 1)  # what the trainer logs


class EndAt(LogitsProcessor):
    """Row i ends with its lengths[i]-th token."""

    def __call__(self, input_ids, scores):
        ends = lengths == input_ids.shape[1] - prompt_tokens + 1
        only_end = torch.full_like(scores, float("-inf"))
        only_end[:, END] = 0
        scores = scores.clone()
        scores[:, END] = float("-inf")
        return torch.where(ends[:, None], only_end, scores)


class Clock(TrainerCallback):
    seconds = []

    def on_step_begin(self, *args, **kwargs):
        self.start = time.perf_counter()

    def on_step_end(self, *args, **kwargs):
        self.seconds.append(time.perf_counter() - self.start)


def even(completions, **kwargs):
    return [sum(int(w[1:]) % 2 == 0 for w in c.split() if w[0] == "t") / max(1, len(c.split())) for c in completions]


words = {"<unk>": 0, "<s>": 1, "</s>": END, **{f"t{i}": i for i in range(3, 512)}}
core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>")
random = torch.Generator().manual_seed(0)
prompts = [" ".join(f"t{x}" for x in torch.randint(3, 512, (prompt_tokens,), generator=random).tolist()) for _ in range(n_prompts * 16)]
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
generate = model.generate
model.generate = lambda *args, **kwargs: generate(*args, logits_processor=[EndAt()], **kwargs)
with tempfile.TemporaryDirectory() as folder:
    trainer = GRPOTrainer(
        model=model, reward_funcs=even, train_dataset=Dataset.from_dict({"prompt": prompts}), processing_class=tokenizer, callbacks=[Clock()],
        args=GRPOConfig(output_dir=folder, use_cpu=True, bf16=False, per_device_train_batch_size=microbatch,
                        gradient_accumulation_steps=batch // microbatch, num_generations=group, max_completion_length=int(lengths.max()),
                        max_steps=warm + steps, learning_rate=1e-5, logging_steps=1, save_strategy="no", report_to=[], beta=0.0,
                        gradient_checkpointing=False, temperature=1.0, disable_tqdm=True, seed=0))
    trainer.train()
mean = [entry["completions/mean_length"] for entry in trainer.state.log_history if "completions/mean_length" in entry]
expected = float(lengths.float().mean())
assert all(abs(m - expected) < 1e-3 * expected for m in mean), (mean, expected)
os.write(real_stdout, (json.dumps({"seconds": Clock.seconds[warm:], "tokens": int(lengths.sum())}) + "\n").encode())
