"""Writes compare.jsonl: which pairs of texts are equal numbers, from Python's decimal and fractions and a grammar written out once more.
Run here: python3 make_compare.py > compare.jsonl"""
import json
import random
import re
from decimal import Decimal
from fractions import Fraction

draw = random.Random(20260102)
DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]{1,18})?")
INT = re.compile(r"[+-]?[0-9]+")


def read(kind, text):
    """The number, or None when it is unreadable for this kind."""
    if kind == "int":
        return int(text) if INT.fullmatch(text) else None
    if kind == "decimal":
        return Decimal(text) if DECIMAL.fullmatch(text) else None
    parts = [p.strip() for p in text.split("/", 1)]
    if not all(DECIMAL.fullmatch(p) for p in parts) or (len(parts) == 2 and parts[1][0] in "+-."):
        return None
    a, b = Fraction(parts[0]), Fraction(parts[1]) if len(parts) == 2 else Fraction(1)
    v = a / b if b else None
    return v if v is not None and max(abs(v.numerator), v.denominator) < 2**127 else None


def digits(n):
    return "".join(draw.choice("0012345678999") for _ in range(n))


def number():
    text = draw.choice(["", "", "", "-", "+"]) + digits(draw.choice([1, 1, 2, 3, 12]))
    if draw.random() < 0.5:
        text += "." + digits(draw.choice([1, 2, 3, 9]))
    return text + (draw.choice(["e", "E"]) + draw.choice(["", "-", "+"]) + digits(1) if draw.random() < 0.15 else "")


def respelled(text):
    """The same number in another spelling, most of the time."""
    way = draw.randrange(7)
    if way == 0:
        return re.sub(r"^([+-]?)", r"\g<1>0", text)
    if way == 1 and "." in text and "e" not in text.lower():
        return text + "00"
    if way == 2 and "." not in text and "e" not in text.lower():
        return text + ".0"
    if way == 3 and "e" not in text.lower() and "/" not in text:
        return str(Decimal(text) * 10) + "e-1" if len(text) < 20 else text
    if way == 4:
        return text.lstrip("+") if text[0] == "+" else text
    if way == 5:
        i = draw.randrange(len(text))
        return text[:i] + draw.choice("0123456789.-/e ,") + text[i + 1:]
    return text


def fraction():
    return number().split("e")[0].split("E")[0] + draw.choice(["/", " / "]) + str(draw.randint(0, 30))


FIXED = [
    ("decimal", "3.9", "3.11"), ("decimal", "3.90", "3.9"), ("decimal", "1.50", "1.5"), ("decimal", "1e3", "1000"), ("decimal", "42.", "42"),
    ("decimal", "$42", "42"), ("decimal", "-7", "7"), ("decimal", "7", "-7"), ("decimal", "-0", "0"), ("decimal", "0.1000004", "0.1"),
    ("decimal", "100000000000000000000000000000000000000000000001", "100000000000000000000000000000000000000000000000"),
    ("decimal", "0.333333", "1"), ("decimal", "1e999999999999999999", "1e999999999999999998"), ("decimal", "nan", "1"), ("decimal", "inf", "1"),
    ("decimal", "0x10", "16"), ("decimal", "1_000", "1000"), ("decimal", "\u0661", "1"), ("decimal", "\uff14\uff12", "42"), ("decimal", "4 2", "42"),
    ("int", "42.0", "42"), ("int", "042", "42"), ("int", "+42", "42"), ("int", "--42", "42"), ("int", "", "42"), ("int", "-", "42"),
    ("rational", "1/3", "0.333333"), ("rational", "2/6", "1/3"), ("rational", "-1/3", "1/3"), ("rational", "0.5", "1/2"), ("rational", "1/0", "1"),
    ("rational", "1/2/3", "1/6"), ("rational", "1/-3", "-1/3"), ("rational", "6/3", "2"),
]
cases = [(k, f, g) for k, f, g in FIXED]
for _ in range(120):
    gold = number()
    cases.append((draw.choice(["decimal", "decimal", "rational"]), respelled(respelled(gold)), gold))
for _ in range(40):
    gold = str(draw.randint(-120, 120))
    cases.append(("int", respelled(gold), gold))
for _ in range(60):
    gold = fraction()
    cases.append(("rational", str(read("rational", gold)) if draw.random() < 0.5 else respelled(gold), gold))
seen = set()
for kind, found, gold in cases:
    a, b = read(kind, found), read(kind, gold)
    if b is None or (kind, found, gold) in seen:
        continue
    seen.add((kind, found, gold))
    print(json.dumps({"kind": kind, "found": found, "gold": gold, "verdict": "unreadable" if a is None else "equal" if a == b else "different"}))
