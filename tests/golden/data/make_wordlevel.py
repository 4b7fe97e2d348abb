"""Writes wordlevel.jsonl: what Hugging Face's tokenizers library (0.23.3) makes of these texts. Run it from the repository root.

A case: tokenizer (path), text, ids (null: the library refuses the text), and for the cases with ids the text decoded from them without and
with special tokens."""
import json
import random

from tokenizers import Tokenizer

SHIPPED, UNK = "data/countdown/tokenizer.json", "tests/golden/data/wordlevel_unk.json"
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\v", "\f", "\x85", "\xa0", "\u1680", "\u2000", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"]
NOT_SPACES = ["\u200b", "\u180e", "\ufeff", "\x1c", "\u2060"]
PIECES = {
    SHIPPED: ["numbers", "3", "5", "99", "target", "?", "<think>", "</think>", "<answer>", "( 3 + 5 )", "off", "work:", "<pad>", "<eos>", ".", ","],
    UNK: ["a", "b", "ab", "été", "数", "x", "do", "to do", "<s>", "<s><t>", "<t>", "<s", "to", "unknown", "<unk>", "é", "e\u0301te\u0301"],
}
FIXED = {
    SHIPPED: ["", " ", "numbers 3 5 4 target 19 ?", "<think> 3 + 5 = 8 , 8 * 4 = 32 no </think> <answer> ( 3 + 5 ) * 4 </answer><eos>", "100", "03",
              "3+5", "Numbers", "<eos><eos>", "a<eos>", "5<eos>6<pad>7", "<EOS>", "< eos>", "<eo s>", "<<eos>"],
    UNK: ["", "\n", "<s><t>", "<s><s><t>", "a<s>b", "do<s>", "do<s", "to do<s>", "to  do", "to\ndo", "xx", "axb", "maxim", "été数", "été 数", "zzz"],
}


def main():
    draw = random.Random(1)
    with open("tests/golden/data/wordlevel.jsonl", "w", encoding="utf-8") as out:
        for path in (SHIPPED, UNK):
            tokenizer = Tokenizer.from_file(path)
            texts = FIXED[path] + [PIECES[path][0] + s + PIECES[path][1] for s in SPACES + NOT_SPACES]
            for _ in range(60):
                spaces = [" "] * 10 + SPACES + [""] * (5 if path == UNK else 1)
                texts.append("".join(draw.choice(PIECES[path]) + draw.choice(spaces) for _ in range(draw.randint(1, 12))))
            for text in texts:
                case = {"tokenizer": path, "text": text, "ids": None}
                try:
                    ids = tokenizer.encode(text, add_special_tokens=False).ids
                except Exception:  # a word outside a vocabulary that has no unknown token
                    pass
                else:
                    case |= {"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True),
                             "decoded_special": tokenizer.decode(ids, skip_special_tokens=False)}
                out.write(json.dumps(case) + "\n")


main()
