"""Writes tokenizer.json: the words of the Countdown task and its corpus, one token each (docs/corpus.md). Standard library only."""
import json
import pathlib

SPECIAL = ["<pad>", "<eos>"]
WORDS = SPECIAL + [str(i) for i in range(100)] + (
    "+ - * / = ( ) , numbers target ? <think> </think> <answer> </answer> "
    "no yes wait check ok so give up work: result: vs <scratch> </scratch> . off").split()

tokenizer = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [
        {"id": i, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i, word in enumerate(SPECIAL)
    ],
    "normalizer": None,
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": None,
    "decoder": None,
    # The format demands an unk_token. This one is not in the vocabulary: a word outside it is an error, here and in the original library.
    "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(WORDS)}, "unk_token": "<unk>"},
}
path = pathlib.Path(__file__).with_name("tokenizer.json")
path.write_text(json.dumps(tokenizer, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
