#!/usr/bin/env python3
"""python.jsonl: what Python 3.11 makes of texts of ours."""
import json
import random
import sys

draw = random.Random(7)
LETTERS = list("aAbZ sS12.,-_'") + ["\t", "\n", "\r", "\x0b", "\x1c", "\x1d", "\x1f", "\x85", "\xa0", "\u180e", "\u2003", "\u2028", "\u3000", "\u200b", "İ", "ı", "ß", "ẞ",
                                    "Σ", "ς", "ǅ", "ﬁ", "\u212a", "\u212b", "\u2126", "é", "e\u0301", "日", "𝟘", "٣", "७", "𐐀", "ΐ", "ŉ", "Ⅷ", "ª", "😀", "\0"]
WORDS = ["ΑΣ", "ΑΣ.", "ΑΣ.Α", "Σ", "ΟΔΥΣΣΕΥΣ ΣΑΣ", "ΑΣΣ", "a\u0345Σ", "Σ'Σ'Σ", "\r\n\n\r", "a\r", "", "x\n\n", "İİİ", "ẞß", "\x1ca\x1f"]
PARTS = list("0123456789_+-.eE ") + ["inf", "nan", "Infinity", "\u00a0", "\u3000", "\x1c", "٣", "𝟘", "７", "x", "\n", "\0", "0x", "1_0", "e5", "\u2212"]
NUMBERS = ["12", " 12 ", "+0", "-0", "-00", "007", "1_000", "1__0", "_1", "1_", "1_.5", "1._5", "1.5_0", "1e1_0", "1_e1", "٣٥", "٣.٥", "\u30005", "5\x1c", "\x855", "1e400",
           "-1e400", "1e-400", "1.", "·1", ".5", ".", "+.5", "-", "", "  ", "nan", "-nan", "INF", "+infinity", "infinit", "0x10", "1e", "1e+", "9007199254740993",
           "9007199254740993.0000000000000001", "2.2250738585072011e-308", "123456789012345678901234567890", "1" * 4300, "1" * 4301, "-9223372036854775808",
           "9223372036854775808", "0" * 50 + "7", "1 2", "--1", "4.9e-324", "1e16", "1e22", "0.1", "1e-5", "0.0001", "123456789.123456789", "1e15", "9999999999999998",
           "12345678901234567000"]


def some(letters, least, most):
    return "".join(draw.choice(letters) for _ in range(draw.randint(least, most)))


def text(s):
    return {"op": "text", "text": s, "len": len(s), "lower": s.lower(), "casefold": s.casefold(), "strip": s.strip(), "lstrip": s.lstrip(), "rstrip": s.rstrip(),
            "split": s.split(), "lines": s.splitlines(), "head": s[:3], "tail": s[-3:]}


def number(s):
    row = {"op": "number", "text": s, "int": None, "float": None}
    for kind in (int, float):
        try:
            row[kind.__name__] = repr(kind(s))
        except ValueError:
            pass
    return row


def find(s, n):
    def byte(i):
        return None if i < 0 else len(s[:i].encode())
    return {"op": "find", "text": s, "needle": n, "find": byte(s.find(n)), "rfind": byte(s.rfind(n)), "count": s.count(n), "replace": s.replace(n, "<x>"), "pieces": s.split(n),
            "starts": s.startswith(n), "ends": s.endswith(n), "strip": s.strip("ab")}


assert sys.version_info[:2] == (3, 11), "the tables of other versions differ"
rows = [text(some(LETTERS, 0, 14)) for _ in range(60)] + [text(s) for s in WORDS] + [number(s) for s in NUMBERS]
tried = [number(some(PARTS, 1, 5)) for _ in range(1200)]
rows += [r for i, r in enumerate(tried) if r["float"] or i % 12 == 0]
rows += [find(some(["a", "b", "ab", "é"], 0, 12), some(["a", "b", "ab", "é"], 1, 3)) for _ in range(60)]
for row in rows:
    print(json.dumps(row, ensure_ascii=False))
