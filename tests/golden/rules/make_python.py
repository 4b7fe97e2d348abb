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


def expression(depth):
    kind = draw.random()
    if depth == 0 or kind < 0.25:
        return draw.choice([str(draw.randint(0, 12))] * 6 + [str(draw.randint(0, 99)), f"{draw.randint(0, 9)}.{draw.randint(0, 99)}", f".{draw.randint(1, 9)}", "3.", "007", "00", "0.5"])
    if kind < 0.4:
        return f"({expression(depth - 1)})"
    if kind < 0.5:
        return draw.choice("-+") + expression(depth - 1)
    operator = draw.choice(["+", "-", "*", "/", "//", "**", "+", "-", "*", "/"])
    return expression(depth - 1) + draw.choice(["", " ", "\t"]) + operator + draw.choice(["", " "]) + expression(depth - 1)


def value(s):
    row = {"op": "eval", "text": s, "value": None}
    try:
        v = eval(s, {"__builtins__": None}, {})  # a number: the text is ours
    except (ArithmeticError, SyntaxError, TypeError, RecursionError):
        return row
    assert isinstance(v, (int, float)), s
    row["value"] = repr(v)
    return row


assert sys.version_info[:2] == (3, 11), "the tables of other versions differ"
rows = [text(some(LETTERS, 0, 14)) for _ in range(60)] + [text(s) for s in WORDS] + [number(s) for s in NUMBERS]
tried = [number(some(PARTS, 1, 5)) for _ in range(1200)]
rows += [r for i, r in enumerate(tried) if r["float"] or i % 12 == 0]
rows += [find(some(["a", "b", "ab", "é"], 0, 12), some(["a", "b", "ab", "é"], 1, 3)) for _ in range(60)]
FORMS = ["1 +\x0c2", "1+\x0b2", "(1+\r2)", "1+\r2", "1\r+1", "1 \x1c+2", "1+\u00a02", "00+1", "007", "007.5", "1.+.5", "1..2", "1.2.3", "1(2)", "--1", "2**-1", "-2**2", "2**3**2", "7//2",
         "-7//2", "7.5//2", "-7.5//2", "1//0", "1/0", "0**-1", "0.0**-1.5", "1e5", "+-+1", "1 2", "2* *3", "2/ /3", "2**  -  1", "(*1)", "*1", "(1)*", "((1)", "1)", "", "8**(1/3)", "2**.5",
         "10.0**400", "1.5**2", "0.1*3", "٣+1", "1//.5", "5//-.3", "27**(1/3)//1", "10**400", "10**400*1.0", "10**400/10**399", "(10**400+1)/3", "10**400//10**398", "2**62", "(0-2)**63",
         "9007199254740993*1.0", "9007199254740993/1", "3**40/7", "(0-8)**3", "(0-8.0)**3", "(0-8.0)**-3", "2**0.0", "0**0", "0.0**0.5", "1e1", "1.0000001**1000000", "0.5**1070", "0.5**2000",
         "2.0**1023", "2.0**1024", "(" * 200 + "1" + ")" * 200, "(" * 201 + "1" + ")" * 201, "-" * 501 + "1", "99999**0.2", "7**(0-.5)", "123456789.0**1.5", "1/3", "2/3*3", "1/3+1/3+1/3",
         "(1/3)**7.25", "1.0//3", "1e308*10"]
rows += [value(s) for s in FORMS if "e" not in s]
tried = (expression(draw.randint(1, 4)) for _ in range(400))
rows += [value(s) for s in tried if s.count("**") < 2 and ("-" not in s or "**" not in s)][:200]
for row in rows:
    print(json.dumps(row, ensure_ascii=False))
