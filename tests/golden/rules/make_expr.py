"""Writes expr.jsonl: what rewards/expr.c must say, from Python's own parser and its fractions. Run here: python3 make_expr.py > expr.jsonl"""
import ast
import json
import random
import re
from fractions import Fraction

LIMIT = 2**127
draw = random.Random(20260101)


class Large(Exception):
    pass


class Unsure(Exception):
    """Between what surely fits 128 bits and what surely does not."""


def value(node):
    if not isinstance(node, ast.BinOp):
        return Fraction(node.value)
    a, b = value(node.left), value(node.right)
    if isinstance(node.op, ast.Div):
        b = 1 / b  # ZeroDivisionError
    product = isinstance(node.op, (ast.Mult, ast.Div))
    v = a * b if product else a + b if isinstance(node.op, ast.Add) else a - b
    if max(abs(v.numerator), v.denominator) >= LIMIT:
        raise Large
    if max(abs(a.numerator * b.denominator) + abs(b.numerator * a.denominator), a.denominator * b.denominator,
           abs(a.numerator * b.numerator)) >= LIMIT:
        raise Unsure
    return v


def numbers(node):
    return numbers(node.left) + numbers(node.right) if isinstance(node, ast.BinOp) else [node.value]


def legal(node):
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)) and legal(node.left) and legal(node.right)
    return isinstance(node, ast.Constant) and type(node.value) is int


def judge(text):
    """None when the case cannot be decided here."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if not legal(tree) or re.search(r"(?<![0-9])0[0-9]", text):
            return {"text": text, "problem": "syntax"}
    except (SyntaxError, ValueError):
        return {"text": text, "problem": "syntax"}
    try:
        v = value(tree)
        return {"text": text, "value": str(v), "numbers": numbers(tree)}
    except ZeroDivisionError:
        return {"text": text, "problem": "division by zero"}
    except Large:
        return {"text": text, "problem": "too large"}
    except Unsure:
        return None


def space():
    return draw.choice(["", "", " ", "  ", "\t"])


def tree_text(n, top):
    if n == 1:
        text = str(draw.randint(0, top))
    else:
        k = draw.randint(1, n - 1)
        text = tree_text(k, top) + space() + draw.choice("+-*/") + space() + tree_text(n - k, top)
    return f"({space()}{text}{space()})" if draw.random() < (0.5 if n > 1 else 0.1) else text


def soup(n):
    return "".join(draw.choice("1234567890+-*/+-*/()() .") for _ in range(n))


def mutated(text):
    i = draw.randrange(len(text) + 1)
    return text[:i] + draw.choice(["", *"0123456789+-*/() .=^x,"]) + text[i + draw.randint(0, 1):]


texts = [tree_text(draw.randint(1, 6), draw.choice([9, 99, 999])) for _ in range(220)]
texts += [tree_text(draw.randint(8, 24), draw.choice([9, 99, 10**6])) for _ in range(40)]
texts += [tree_text(draw.randint(2, 12), 10**18 - 1) for _ in range(40)]
texts += [soup(draw.randint(1, 9)) for _ in range(160)]
texts += [mutated(tree_text(draw.randint(1, 5), 99)) for _ in range(160)]
seen = set()
for text in texts:
    case = judge(text)
    if case and text not in seen:
        seen.add(text)
        print(json.dumps(case))
