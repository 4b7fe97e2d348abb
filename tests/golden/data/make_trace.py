"""Counts by regular expressions what data/trace.h counts with a window of words: make_trace.py DOCUMENTS > trace.jsonl

DOCUMENTS: texts, a line each (of data/corpus.c, with wrong_result .2 and wrong_verdict .05). Each is taken as it is and with words dropped, doubled and
replaced; by-hand texts follow."""
import fractions
import json
import random
import re
import sys

NUMBER = r"-?[0-9]{1,9}"
EQUATION = re.compile(rf"(?=(?:^|\s)(?P<a>{NUMBER})\s+(?P<op>[-+*/])\s+(?P<b>{NUMBER})\s+=\s+(?P<c>{NUMBER})(?:\s+(?P<after>\S+)|\s*$))", re.A)
CHECK = re.compile(rf"(?=(?:^|\s)vs\s+{NUMBER}\s+off\s+{NUMBER}(?:\s|$))", re.A)
OPERATORS = set("+-*/")
BY_HAND = [
    "", " ", "yes", "no yes", "yes </think> yes no", "no <answer> yes </answer>", "no </think>yes yes", "yes. no, yes", "Yes NO yes",
    "1 + 2 = 3", "1 + 2 = 3 + 0", "0 + 1 + 2 = 3", "1 + 2 = 3 * 4 = 12", "1 + 2 = 3 = 3", "( 1 + 2 = 3 )", "( 1 + 2 ) = 3", "1+2=3", "1 + 2 =3", "1 +2 = 3",
    "8 / 4 = 2", "8 / 3 = 2", "8 / 0 = 0", "0 / 0 = 0", "0 / 5 = 0", "3 - 5 = -2", "-3 - -5 = 2", "- 3 - 5 = 2", "7 - 7 = 0", "7 - 7 = -0",
    "999999999 * 999999999 = 999999999", "999999999 + 1 = 1000000000", "1000000000 - 1 = 999999999", "007 + 1 = 8", "5 ^ 2 = 25", "5 ** 2 = 25",
    "1 + 2 = 3\t4\n+ 5\r\n= 9", "1 + 2 = 3.", "1 + 2 = 3 ,", "1 + 2 = 3 vs 19 off 16 no", "1.5 + 2 = 3", "+ 1 + 2 = 3", "= 1 + 2 = 3", "1 + 2 = 4",
    "vs 3 off 4 vs 3 off 4", "vs 3 off x", "vs 3 off", "vs -3 off 4", "vs vs 3 off 4", "vs 3 off 4off", "off 3 vs 4", "1 + 2 = 3 1 + 2 = 4 5 * 5 = 25",
    "<think> yes </think> <answer> 3 + 5 = 8 </answer>", "6 * 7 = 42 - 1", "6 * 7 = 42 -", "6 * 7 = 42 - 3 = 39", "٣ + 1 = 4", "a + b = c", "1 + 2 = 3 /x",
]


def count(text):
    thinking = re.split(r"(?:^|(?<=\s))(?:</think>|<answer>)(?=\s|$)", text, maxsplit=1)[0]
    attempts = sum(w in ("yes", "no") for w in thinking.split())
    total = right = 0
    for m in EQUATION.finditer(text):
        before = text[:m.start("a")].split()
        if (before and before[-1] in OPERATORS) or m["after"] in OPERATORS:
            continue
        a, b, c = (fractions.Fraction(m[k]) for k in "abc")
        total += 1
        right += {"+": a + b == c, "-": a - b == c, "*": a * b == c, "/": b != 0 and a == b * c}[m["op"]]
    return [attempts, len(list(CHECK.finditer(text))), total, right]


def mangle(text, chance):
    words = text.split(" ")
    out = []
    for w in words:
        x = chance.random()
        out += [] if x < .04 else [w, w] if x < .08 else [chance.choice(words)] if x < .12 else [w]
    return " ".join(out)


def main():
    chance = random.Random(20)
    with open(sys.argv[1], encoding="utf-8") as f:
        documents = [line.rstrip("\n") for line in f]
    for text in documents + [mangle(t, chance) for t in documents] + BY_HAND:
        print(json.dumps({"text": text, "counts": count(text)}, ensure_ascii=False))


if __name__ == "__main__":
    main()
