"""The most processor time that rules can be made to take: hostile completions for every kind, preset, comparison and shipped rule file.

    python3 bench/rules_worst.py [--quick] [--only REGEX] [--top N] [--binary build/rulezero]

Each of some 180 pieces (one character or construct again and again, nested and closed or not, texts that patterns and parsers are known to choke on) is
repeated to several sizes and stands bare or where an answer is looked for. `rules bench` tells the processor time and the units of work of each case; the
worst ones are then measured again, several times. Prints a line a row: its worst case, its time, its units, the most that a unit took, and whether it is over
the bound (50 ms; 10 ms where mathematics is compared). Exits 1 when one is. Every piece is tried at small sizes, the slowest ones of each row also at larger
ones. The dearest rows are measured once more with the dearest Lua function beside them. A whole run takes some twenty minutes of a core; --quick two."""
import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile

KB, MB = 1 << 10, 1 << 20
BOUND_MS, MATH_BOUND_MS = 50, 10
RULE_WORK = 20_000_000  # units of a completion: rewards/internal.h

# ---- texts ----

UNITS = {
    # characters
    "blank": " ", "a": "a", "A": "A", "0": "0", "9": "9", "newline": "\n", "tab": "\t", "dot": ".", "comma": ",", "hyphen": "-", "plus": "+", "star": "*", "slash": "/",
    "caret": "^", "underscore": "_", "equals": "=", "apostrophe": "'", "quote": '"', "backtick": "`", "hash": "#", "bar": "|", "ampersand": "&", "percent": "%", "bang": "!",
    "question": "?", "tilde": "~", "colon": ":", "semicolon": ";", "dollar": "$", "backslash": "\\", "<": "<", ">": ">", "nul": "\0", "eacute": "é", "accent": "e\u0301",
    "marks": "\u0301", "cjk": "中", "emoji": "😀", "zero width": "\u200b", "nbsp": "\u00a0", "sharp s": "ß", "dotted I": "İ", "ligature": "ﬃ", "fold": "ſK", "arabic": "ع",
    "half of two": b"\xc3", "half of four": b"\xf0\x9f", "ff": b"\xff", "overlong": b"\xc0\x80", "surrogate": b"\xed\xa0\x80", "a and ff": b"a\xff",
    # words and lines
    "word": "word ", "the": "the ", "letters": "a b ", "Case": "aB", "Words": "The Cat ", "CAPITALS": "THE CAT ", "german": "Das ist gut ", "russian": "это дом ", "scripts": "aбγ中",
    "sentence": "It is so. ", "why": "Why? ", "mr": "Mr. A ", "eg": "e.g. ", "dots": "a.b.c ", "paragraph": "word\n\n", "stars": "***\n", "six stars": "******", "bullet": "- item\n",
    "bullet star": "* item\n", "numbered": "1. item\n", "step": "Step 1: ", "first": "First, ", "highlight": "*hi* ", "bold": "**b** ", "placeholder": "[x] ", "title": "<<t>> ",
    "ps": "P.S. ", "section": "Section 1\n", "crlf": "a\r\n", "blank lines": " \n", "quoted": '"a" ', "hyphens": "a-b-c ", "url": "http://a.b/?c=d&", "times": "12:34 ",
    # tags
    "answer open": "<answer>", "answer close": "</answer>", "answer": "<answer>1</answer>", "answer cut": "<answer", "think open": "<think>", "think close": "</think>",
    "think": "<think>x</think>", "think lines": "<think>\nx\n</think>\n", "answer lines": "<answer>\n1\n</answer>\n", "finish": "<finish>x</finish>", "finish open": "<finish>",
    "assistant": "Assistant:", "im start": "<|im_start|>assistant", "fence": "```", "fences": "```python\nx\n```\n", "fence open": "```python\n", "json fence": "```json\n{}\n```\n",
    # numbers
    "number": "12 ", "list": "1,", "list blank": "1, ", "thousands": "1,234", "decimal": "3.14 ", "fraction": "1/2 ", "version": "1.", "minus number": "-1 ", "plus ones": "1+", "minus ones": "1-",
    "times ones": "1*", "over ones": "1/", "powers": "9**", "tower": "^{9^{9", "nines": "9^", "factorials": "9!", "percents": "1% ", "money": "$1 ", "assignments": "x = 1\n", "sci": "1e9 ",
    "bang number": "1! ", "unary": "--", "underscores": "1_0", "factors": "3 × ", "mixed": "1 1/2 ",
    # LaTeX
    "frac": "\\frac", "frac12": "\\frac12", "fracs": "\\frac{1}{2}", "plus fracs": "\\frac{1}{2}+", "sqrt": "\\sqrt", "sqrts": "\\sqrt{2}+", "sqrt3": "\\sqrt[3]{2}", "boxed": "\\boxed{1}",
    "boxed blank": "\\boxed 1 ", "boxed word": "\\boxed", "fbox": "\\fbox{1} ", "text": "\\text{a}", "texts": "\\text{ and } ", "mbox": "\\mbox{x}", "left": "\\left(", "left right": "\\left(1\\right)",
    "brace": "{", "closing": "}", "braces": "{}", "escaped brace": "\\{", "escaped dollar": "\\$", "math": "$1$ ", "dollars": "$$1$$ ", "round math": "\\(1\\) ", "square math": "\\[1\\] ", "pi": "\\pi+",
    "matrix": "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "cells": "1 & 2 \\\\ ", "begin": "\\begin{matrix}", "mathrm": "\\mathrm{a}", "pm": "\\pm 1", "cup": "(1,2)\\cup", "cdot": "2\\cdot ", "x power": "x^",
    "squares": "x^{2}+", "names": "x_1+", "sines": "\\sin(x)+", "sine": "\\sin ", "products": "(x+1)", "product names": "(x+y)(x-z)", "exponentials": "2^{x}+", "logs": "\\log_{2}3+", "overline": "0.\\overline{3}+",
    "binom": "\\binom{99}{9}+", "sum": "\\sum_{i=1}^{9}i+", "inequality": "1<x\\le ", "pairs": "(1,2),", "intervals": "[1,2]\\cup", "sets": "\\{1,2\\},", "absolute": "|x|+", "or": "x=1 \\text{ or } ",
    "units": "5\\text{ cm} ", "degrees": "45^\\circ ", "mod": "7 \\mod 3 + ", "gcd": "\\gcd(4,6)+", "circ": "^\\circ", "spacing": "\\,", "quad": "\\quad ", "superscripts": "x²+", "roots": "√2+",
    "cancel": "\\frac{x}{3x}+", "hundred": "(2x+3)^{100}+", "big power": "2^{99999}+", "decimals": "0.123456789+", "i": "(1+i)", "infinity": "\\infty ,",
    # what answers are introduced by
    "final answer": "final answer is 1. I hope it is correct. ", "minerva": "Final Answer: The final answer is $1$. I hope it is correct.\n", "answer is": "the answer is 1 ", "Answer line": "Answer: 1\n",
    "answer colon": "answer: ", "hash line": "#### 1\n", "hashes": "#### ",
    # structures
    "array": "[", "arrays": "[1],", "object": '{"a":', "objects": '{"a":1},', "strings": '"a",', "escapes": "\\u0041", "python list": "'1', ", "python dict": "{'a': 1}, ", "python tuple": "(1,",
    "knight line": "(1) Zoey is a knight\n", "knights": "Zoey is a knight and Noah is a knave, ", "knight": "knight ", "grid": "2 1 3 4\n4 3 2 1\n1 2 4 3\n3 4 1 2\n", "grid row": "1 2 3 4\n", "moves": "UDLR", "ways": "up down left right ",
    "logic": "(P ∧ Q) → ", "nots": "¬", "ors": "P ∨ ", "stack": "1 dup + ", "swap": "1 2 swap dup * over - ", "words comma": "apple, banana, ", "ab": "A# #B ", "named": "Ann: knight; ",
    # what patterns choke on
    "aa!": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "a blank": "a ", "blanks a": "                                                a", "digits dot": "11111111111111111111111111111.", "x=": "x x x x x=",
    "newline blank": "\n \n\t", "boxed {": "\\boxed{ {", "lt": "<<<<<<<<a>", "quotes": '""""\\"',
}


def fill(unit, size):
    n = len(unit if isinstance(unit, bytes) else unit.encode())
    piece = {"hex": unit.hex()} if isinstance(unit, bytes) else None
    times = max(1, size // n)
    if piece:  # hex cannot be repeated: a block of it is written out
        return [{"hex": (unit * times).hex()}]
    return [{"repeat": unit, "times": times}]


def nested(opening, middle, closing):
    return lambda size: fill(opening, size // 2) + [middle] + ([{"repeat": closing, "times": max(1, size // 2 // len(opening.encode()))}] if closing else [])


def around(head, unit, tail):
    return lambda size: ([head] if head else []) + fill(unit, size) + ([tail] if tail else [])


def drawn(seed, make):
    """A text that never repeats itself: words are made one after the other until there is enough; the larger ones repeat a megabyte."""
    def build(size):
        draw, words, n, most = random.Random(seed), [], 0, min(size, 256 * KB)
        while n < most:
            words.append(make(draw, len(words)))
            n += len(words[-1].encode())
        text = "".join(words)
        return [{"repeat": text, "times": max(1, size // n)}]
    return build


TOKENS = ["1", "2", "x", "y", "+", "-", "*", "/", "^", "_", "{", "}", "(", ")", "[", "]", "|", "!", ",", ";", "=", "<", ">", "\\frac", "\\sqrt", "\\sin", "\\pi", "\\left(", "\\right)",
          "\\text{a}", "\\pm", "\\cup", "\\{", "\\}", "\\cdot", "\\le", "\\infty", "\\overline", "\\boxed{", "$", "%", " ", "\\\\", "&", ".", "e", "i", "and", "or", "\\circ", "\\begin{matrix}", "\\end{matrix}"]
MIXED = ["<answer>", "</answer>", "<think>", "</think>", "\n", "\\boxed{1}", "####", "42", "1,000", "answer", "Answer: ", "```", "```python\n", "is", "the", " ", "$", ".", ",", "a", "final answer is", "{", "}", "*", "[", "]"]

SHAPES = {
    "nested frac": nested("\\frac{1}{", "1", "}"), "nested sqrt": nested("\\sqrt{", "2", "}"), "nested boxed": nested("\\boxed{", "1", "}"), "open boxed": nested("\\boxed{", "1", ""),
    "nested brace": nested("{", "1", "}"), "nested round": nested("(", "1", ")"), "nested square": nested("[", "1", "]"), "nested sum": nested("(1+", "1", ")"), "nested quotient": nested("(1/", "1", ")"),
    "nested power": nested("2^{", "2", "}"), "power tower": nested("9^{", "9", "}"), "nested sine": nested("\\sin(", "x", ")"), "nested minus": nested("-(", "x", ")"), "nested left": nested("\\left(", "1", "\\right)"),
    "nested abs": nested("|", "1", "|"), "nested set": nested("\\{", "1", "\\}"), "nested text": nested("\\text{", "a", "}"), "nested object": nested('{"a":', "1", "}"), "nested tuple": nested("(1,", "1", ")"),
    "nested tag": nested("<answer>", "1", "</answer>"), "nested think": nested("<think>", "x", "</think>"), "nested factorial": nested("(", "3", ")!"), "nested floor": nested("\\lfloor ", "1", "\\rfloor "),
    "square of": nested("(", "x+1", ")^2"), "power of": nested("(", "3", ")^{3}"), "nested log": nested("\\log(", "5", ")"), "nested not": nested("¬(", "P", ")"), "nested and": nested("(P ∧ ", "Q", ")"),
    "long number": around("1", "0", "1"), "long decimal": around("0.", "3", ""), "long fraction": around("1/", "7", ""), "long power": around("2^{", "9", "}"), "long exponent": around("1e", "9", ""),
    "long word": around("", "a", " b"), "long sqrt": around("\\sqrt{", "7", "}"), "long sine": around("\\sin(", "7", ")"), "long factorial": around("", "9", "!"), "long name": around("x_{", "a", "}"),
    "a then !": around("", "a", "!"), "blanks then a": around("a", " ", "a"), "digits then x": around("", "1", "x"), "blanks between": around("<think>", " ", "</think><answer>42</answer>"),
    "lines then answer": around("", "\n", "<answer>42</answer>"), "text then box": around("", "word ", "\\boxed{42}"), "braces then box": around("", "{", "\\boxed{42}"), "one string": around('"', "a", '"'),
    "json list": around("[1", ",1", "]"), "json map": around('{"a":1', ',"b":1', "}"), "list in set": around("\\{1", ",1", "\\}"), "escaped string": around('"', "\\\\", '"'), "polynomial": around("x", "^2+x", ""),
    "groups then x": around("100", " 100", "x"), "groups, decimals": lambda size: fill(" 100", size // 2) + ["."] + fill("9", size // 2) + ["x"], "final answers": lambda size: fill("final answer ", 2 * KB) + fill(" ", size),
    "final answers is": lambda size: fill("final answer is ", 2 * KB) + fill("\n", size) + ["1"], "answers": lambda size: fill("answer ", 2 * KB) + fill("9", size) + ["x"], "answers dollar": lambda size: fill("answer $", KB) + fill("\\$", size),
    "numbers": drawn(1, lambda d, i: f"{i} "), "numbers comma": drawn(2, lambda d, i: f"{i}, "), "fresh words": drawn(3, lambda d, i: "".join(d.choices("abcdefghij", k=6)) + " "),
    "fresh lines": drawn(4, lambda d, i: f"w{i} {d.randint(0, 999)}\n"), "keys": drawn(5, lambda d, i: f'{"{" if i == 0 else ","}"k{i}":{i}'), "latex soup": drawn(6, lambda d, i: d.choice(TOKENS)),
    "soup": drawn(7, lambda d, i: d.choice(MIXED)), "letters soup": drawn(8, lambda d, i: d.choice("ab")), "terms": drawn(9, lambda d, i: f"x_{{{i}}}^{{{i % 9}}}+"), "fresh sines": drawn(10, lambda d, i: f"\\sin({i}x)+"),
    "fresh roots": drawn(11, lambda d, i: f"\\sqrt{{{i}}}+"), "fresh set": drawn(12, lambda d, i: f"{i}.5,"), "sum of powers": drawn(13, lambda d, i: f"{i + 2}^{{{d.randint(1, 99)}}}+"), "any": drawn(14, lambda d, i: chr(d.randint(0x20, 0xD7FF))),
    "factors of x": drawn(15, lambda d, i: f"(x-{i})"), "sums": drawn(16, lambda d, i: f"{d.randint(1, 999)}{d.choice('+-*/')}"), "bytes": lambda size: [{"hex": random.Random(17).randbytes(min(size, MB)).hex()}],
}
PIECES = {name: (lambda unit: lambda size: fill(unit, size))(unit) for name, unit in UNITS.items()} | SHAPES

WRAPS = {
    "": ("", ""), "answer": ("<think>\nx\n</think>\n<answer>\n", "\n</answer>"), "boxed": ("<think>a b c</think>\n\\boxed{", "}"), "dollar": ("The final answer is $", "$. I hope it is correct."),
    "minerva": ("Final Answer: The final answer is $", "$. I hope it is correct."), "Answer": ("Assistant: <think>x</think>\nAnswer: ", "\n"), "hash": ("#### ", "\n"), "finish": ("<finish>", "</finish>"),
    "python": ("```python\n", "\n```"), "json": ("```json\n", "\n```"), "think": ("<think>\n", "\n</think>\n<answer>\n42\n</answer>"), "assistant": ("Assistant: <think>x</think> <answer>", "</answer>"),
    "before": ("", "\nFinal answer: \\boxed{42}\n#### 42\nAnswer: 42"), "behind": ("\\boxed{42} <answer>42</answer>\n", ""), "result": ('<think>a</think><answer>{"result": 1, "unit": "', '"}</answer>'),
}

# ---- problems, rules ----

META = {"numbers": [3, 5, 4], "target": 32, "have": [3, 5, 4], "reach": 32, "unit": "cm", "solution_text_format": "(1) Zoey is a knight\n(2) Noah is a knave\n(3) Ann is a knight", "task": "weekday_of_date",
        "solution": 42.5, "simplified_numerator": 1, "simplified_denominator": 2, "numerator": 2, "denominator": 4, "direction": "ascending", "sorted_words": ["KIND", "Revenue", "bomb", "political"],
        "matrix": [["*", "O", "X"], ["O", "O", "O"], ["X", "O", "#"]], "premises": ["(P ∧ Q)", "(P → R)"], "variables": ["P", "Q", "R"], "words": ["1", "2", "+", "dup"], "max_words": 8,
        "grid": ["S...", ".#..", "..#.", "...G"], "people": {"Ann": "knight", "Bob": "knave", "Zoey": "knight"}, "roles": {"Ann": "knight", "Bob": "knave", "Zoey": "knight"},
        "instruction_id_list": ["keywords:existence", "language:response_language", "length_constraints:number_sentences", "length_constraints:number_words", "detectable_format:number_highlighted_sections",
                                "combination:two_responses", "change_case:english_lowercase", "detectable_format:json_format"],
        "kwargs": [{"keywords": ["word", "cat"]}, {"language": "de"}, {"num_sentences": 3, "relation": "at least"}, {"num_words": 9, "relation": "at least"}, {"num_highlights": 2}, {}, {}, {}]}
SUDOKU = META | {"grid": ["2_3_", "____", "____", "_4__"], "solution": [[2, 1, 3, 4], [4, 3, 2, 1], [1, 2, 4, 3], [3, 4, 1, 2]]}
PROBLEMS = {
    "42": ("42", META), "sudoku": ("2 1 3 4\n4 3 2 1\n1 2 4 3\n3 4 1 2", SUDOKU),
    "half": ("$\\frac{1}{2}$", META), "frac": ("\\frac{1}{2}", META), "root": ("\\sqrt{2}+\\sin(x)", META), "dollar root": ("$\\sqrt{2}+\\sin(x)$", META), "poly": ("(x+1)^{20}", META), "tower": ("9^{9^{9^{9}}}", META),
    "set": ("\\{" + ",".join(str(i) for i in range(1, 61)) + "\\}", META), "dollar set": ("$\\{" + ",".join(f"\\sqrt{{{i}}}" for i in range(2, 60)) + "\\}$", META), "list": (", ".join(str(i) for i in range(1, 60)), META),
    "text": ("the quick brown fox " * 50, META), "long": ("a" * 1000, META), "words": (" ".join(f"w{i}" for i in range(2000)), META), "interval": ("[1,2)\\cup(3,4]", META),
    "sorted": ("['-27.0', '30.0', '64.0', '89.6']", META), "primes": ("3 × 3 × 37", META), "names": (json.dumps(META["people"]), META | {"answer": META["people"]}), "json list": (json.dumps(["alpha beta", "gamma", "the word"]), META), "tokens": ("100", META), "knights": ("Lily is an egoist, and Logan is an altruist.", META),
}

GENERAL = ["", "answer", "boxed", "before", "think"]
MATHS = ["", "answer", "boxed", "dollar", "minerva", "before"]
FAMILIES = [  # rows, problems, wraps: the first that fits
    (r"(math-verify|open-r1/accuracy|trl/.*accuracy)", ["half", "dollar root", "dollar set"], ["", "boxed", "dollar", "answer", "before", "Answer"]),
    (r"compare (math|set|list|tuple|interval|one_of)", ["frac", "root", "poly", "tower", "set", "list", "interval"], ["", "answer", "boxed"]),
    (r"compare (f1|edit_distance|casefold|string)", ["text", "long", "words"], ["", "answer", "boxed"]),
    (r"(several math|hendrycks|lm-eval/minerva|open-instruct/math|verl/prime|verl/math|prm800k|oat|verl/geo3k|strict/(accuracy|geo3k|math))|math-boxed", ["frac", "root", "set"], MATHS + ["Answer"]),
    (r"open-instruct/(research|r1_search|string)", ["json list", "text"], ["", "finish", "answer"]), (r"max_len", ["tokens"], [""]), (r"mini_sudoku|sudoku", ["sudoku"], GENERAL), (r"knights_knaves|kk", ["knights", "names"], GENERAL + ["assistant"]),
    (r"number_sorting", ["sorted"], GENERAL), (r"prime_fact", ["primes"], GENERAL), (r"open-r1/len|cosine", ["half"], GENERAL), (r"code|ifeval|json", ["42"], ["", "answer", "python", "json", "result"]), (r"tinyzero|logic-rl", ["42"], ["", "answer", "assistant"]), (r"gsm8k|strict/math_dapo", ["42"], ["", "answer", "hash", "Answer"]), (r"", ["42"], GENERAL),
]
PARAMS = {
    "keywords:existence": {"keywords": ["word", "cat", "a"]}, "keywords:frequency": {"keyword": "a", "frequency": 3, "relation": "at least"}, "keywords:forbidden_words": {"forbidden_words": ["word", "cat"]},
    "keywords:letter_frequency": {"letter": "a", "let_frequency": 3, "let_relation": "at least"}, "language:response_language": {"language": "de"}, "number_sentences": {"num_sentences": 3, "relation": "at least"},
    "number_paragraphs": {"num_paragraphs": 3}, "number_words": {"num_words": 3, "relation": "at least"}, "nth_paragraph_first_word": {"num_paragraphs": 3, "nth_paragraph": 2, "first_word": "word"},
    "number_placeholders": {"num_placeholders": 3}, "postscript": {"postscript_marker": "P.P.S"}, "number_bullet_lists": {"num_bullets": 3}, "number_highlighted_sections": {"num_highlights": 3},
    "multiple_sections": {"section_spliter": "Section", "num_sections": 3}, "repeat_prompt": {"prompt_to_repeat": "word word"}, "end_checker": {"end_phrase": "the end"},
    "capital_word_frequency": {"capital_frequency": 3, "capital_relation": "at least"}, "soft_overlong": {"max": 100, "cache": 50, "unit": "characters"}, "cosine": {"max": 100, "unit": "characters"}, "kimi_len": {"unit": "characters"},
    "letters": {"letter": "a", "max": 3}, "words": {"min": 3}, "sentences": {"min": 3}, "paragraphs": {"min": 3}, "bullets": {"min": 3}, "keywords": {"words": ["word", "cat"], "forbidden": ["dog"]}, "language_share": {"script": "Latin"}, "assignment": {"gold": "meta.people"}, "sudoku": {"gold": "meta.grid", "symbols": "1234", "box_rows": 2, "box_columns": 2},
    "path": {"gold": "meta.grid"}, "json": {"required": {"a": "number"}},
}
UNIT_OF = {"open-r1/soft_overlong": {}, "trl/soft_overlong": {}, "open-r1/cosine": {}, "trl/cosine": {}}
PATTERNS = [r"^(a+)+$", r"(a|aa)+!", r"(.*a){12}", r"(\w+\s?)*=", r"<answer>(.*?)</answer>", r"\s*(\d+,?)*\s*x", r"(?i)(the|a|an)+(.*)=", r"([^<]*<)+answer", r"\b\w+\b(?=.*\b\w+!)", r"(.)(.)(.)\1\2\3!"]
PLACES = ["{from: view}", "{tag: answer}", "{from: boxed, pick: last}", "{from: last_number}", "{from: last_line}", "{tag: answer, pick: all}", "{from: code, pick: all}", "{regex: '(?s)answer(.*)', pick: last}", "{after: '<answer>', before: '</answer>', pick: last}"]
LUA = {
    "split": "local n = 0 for w in re.gmatch('\\\\w+', c.text) do n = n + 1 end return n % 2", "replace": "return #re.gsub('a*b', c.text, 'x') % 2", "upper": "local s = c.text for i = 1, 100 do s = s:upper() end return #s % 2",
    "loop": "local n = 0 while true do n = n + 1 end", "concat": "local s = '' for i = 1, 1000000 do s = s .. 'x' end return 1", "rep": "local n = 0 for i = 1, 1000000 do n = n + #string.rep('ab', 1000) end return n % 2",
    "redos": "return re.match('(a+)+!', c.text) and 1 or 0", "sort": "local t = {} for i = 1, #c.text do t[i] = (i * 7919) % 10007 end table.sort(t) return t[1]", "bytes": "local n = 0 for i = 1, #c.text do n = n + c.text:byte(i) end return n % 2",
    "find": "local n = 0 for i = 1, 100000 do if c.text:find('zz', 1, true) then n = n + 1 end end return n", "table": "local t = {} for i = 1, 10000000 do t[i] = {i} end return #t", "format": "local n = 0 for i = 1, 1000000 do n = n + #string.format('%99.99f', i) end return n % 2",
    "lots of patterns": "local n = 0 for i = 1, 100000 do if re.search('a' .. i .. '(b|c)+', c.text) then n = n + 1 end end return n", "pcall": "local n = 0 while true do pcall(function() error('x') end) n = n + 1 end",
    "tostring": "local n = 0 for i = 1, 1000000 do n = n + #tostring(i / 3) end return n % 2", "deep": "local function f(n) return n == 0 and 0 or 1 + f(n - 1) end local n = 0 for i = 1, 1000 do n = n + f(10000) end return n",
    "utf8": "local n = 0 for _, k in utf8.codes(c.text) do n = n + k end return n % 2", "reverse": "local s = c.text for i = 1, 1000 do s = s:reverse() end return #s % 2",
}


def yaml(value):
    return json.dumps(value, ensure_ascii=False)


def rule(kind, key, params):
    return "version: 1\nrules:\n  reward:\n    " + "\n    ".join([f"{key}: {kind}"] + [f"{k}: {yaml(v)}" for k, v in params.items()]) + "\n"


SAME = {"reasoning-gym/" + name for name in ("basic_arithmetic binary_alternation caesar_cipher count_bits gcd lcm leg_counting letter_counting maze number_sequence simple_equations string_manipulation products").split()}
SAME |= {"task/" + name for name in "basic_arithmetic binary_alternation count_bits lcm letter_counting maze number_sequence products word_problems sums".split()} | {"trl/soft_overlong", "open-instruct/up_to_max_len"}


def make_rows(listing, folder):
    """Name → (path or name of a rule file, its text to be looked at by eye)."""
    rows, files = {}, {}
    for entry in listing["presets"]:
        if entry["name"] in SAME:
            continue
        tail = entry["name"].split("/")[1]
        files[entry["name"]] = rule(entry["name"], "preset", {} if entry["name"] in UNIT_OF else PARAMS.get(tail, PARAMS.get(tail.split(":")[-1], {})))
    for entry in listing["kinds"]:
        if "points" in entry:
            files[entry["name"]] = rule(entry["name"], "kind", PARAMS.get(entry["name"], {}))
            if entry["name"] in ("cosine", "kimi_len"):
                files[entry["name"]] += "  correct: {extract: {tag: answer}, compare: int}\naccuracy: correct\n"
            if entry["name"] in ("list", "assignment", "sudoku", "path", "stack_program", "words", "json"):
                files[entry["name"] + " in answer"] = files[entry["name"]] + "    extract: {tag: answer}\n"
    normal = yaml([n["name"] for n in listing["normalisers"]])
    for entry in listing["comparers"]:
        for k, place in enumerate(PLACES[:3] if entry["name"] != "string" else PLACES):
            files[f"compare {entry['name']} {place}"] = f"version: 1\nrules:\n  reward:\n    extract: {place}\n    compare: {{kind: {entry['name']}}}\n" + (f"    normalise: {normal}\n" if k == 0 else "")
    for of in ("math", "decimal", "casefold"):
        files[f"compare set of {of}"] = f"version: 1\nrules:\n  reward:\n    extract: {{from: view}}\n    compare: {{kind: set, of: {{kind: {of}}}}}\n"
    files["expr_uses_numbers"] = "version: 1\nrules:\n  reward: {kind: expr_uses_numbers, extract: {tag: answer}}\n"
    files["expr_uses_numbers view"] = "version: 1\nrules:\n  reward: {kind: expr_uses_numbers, extract: {from: view}}\n"
    files["tags 5"] = "version: 1\nrules:\n  reward: {tags: [a, b, think, c, answer]}\n"
    for n, pattern in enumerate(PATTERNS):
        files[f"match {pattern}"] = f"version: 1\nrules:\n  reward: {{match: {yaml(pattern)}, flags: s}}\n"
        files[f"count {pattern}"] = f"version: 1\nrules:\n  reward: {{count: {yaml(pattern)}, flags: iu, each: 0.1, max: 100}}\n"
    many = "".join(f"  r{n}: {{count: {yaml(p)}, each: 0.1, max: 100}}\n" for n, p in enumerate(PATTERNS))
    many += "".join(f"  p{n}: {{preset: {yaml(name)}}}\n" for n, name in enumerate(["verl/math", "math-verify/verify", "prm800k/grade_answer", "open-r1/repetition", "open-r1/len", "ifeval/detectable_format:title", "hendrycks/is_equiv"]))
    many += "".join(f"  c{n}: {{extract: {place}, compare: math, normalise: {normal}}}\n" for n, place in enumerate(PLACES)) + "  t: {tags: [think, answer]}\n  k: {kind: language_share, script: Latin}\n  w: {kind: sentences, min: 1}\n"
    files["many rules"] = "version: 1\nviews:\n" + "".join(f"  v{n}: {{tag: t{n}}}\n" for n in range(32)) + "rules:\n" + many
    several = ["verl/prime_math", "prm800k/grade_answer", "oat/boxed", "lm-eval/minerva", "math-verify/verify", "open-r1/accuracy", "open-r1/cosine", "open-r1/len", "trl/cosine", "hendrycks/is_equiv", "verl/math"]
    for name, presets in (("several math presets", several), ("several math presets, backwards", several[::-1])):
        files[name] = "version: 1\nrules:\n" + "".join(f"  p{n}: {{preset: {yaml(preset)}}}\n" for n, preset in enumerate(presets)) + "accuracy: p0\n"
    files["several compare math"] = "version: 1\nrules:\n" + "".join(f"  c{n}: {{extract: {place}, compare: math}}\n" for n, place in enumerate(PLACES))
    files["several compare math cleaned"] = "version: 1\nrules:\n" + "".join(f"  c{n}: {{extract: {{from: view}}, compare: {{kind: math, units: {units}}}, normalise: {normal}}}\n" for n, units in enumerate(["strict", "optional", "drop"]))
    for name, text in files.items():
        path = os.path.join(folder, re.sub(r"[^A-Za-z0-9]+", "-", name)[:80] + f"-{len(rows)}.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        rows[name] = path
    rows |= {entry["name"]: entry["name"] for entry in listing["files"] if entry["name"] not in SAME}
    for path, _, names in os.walk("configs/rules"):
        for name in sorted(names):
            if name.endswith(".yaml") and path == "configs/rules":
                rows[os.path.join(path, name)] = os.path.join(path, name)
    return rows


def is_math(row):
    return bool(re.search(r"math|accuracy|geo3k|prm800k|oat/|hendrycks|minerva|open-r1/(len|cosine)|task/equations", row)) and row != "many rules"


# ---- measuring ----

def case_line(piece, wrap, size, problem):
    head, tail = WRAPS[wrap]
    answer, meta = PROBLEMS[problem]
    completion = ([head] if head else []) + PIECES[piece](size) + ([tail] if tail else [])
    return json.dumps({"name": f"{piece}|{wrap}|{size}|{problem}", "completion": completion, "answer": answer, "meta": meta, "prompt": "word word", "n_tokens": size // 4, "completion_ids": [1, 2] * min(size // 8, 8 * KB)})


def bench(binary, files, lines, folder, seconds):
    path = os.path.join(folder, f"cases-{os.getpid()}-{random.getrandbits(60)}.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)
    done = subprocess.run([binary, "rules", "bench", *files, path, "--json", "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True, check=False)
    os.remove(path)
    if done.returncode:
        sys.exit(f"rules bench: status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def lua_rule(name, code):
    return f"  {name}:\n    lua: |\n      function score(c)\n        {code}\n      end\n"


def lua_cost(binary, rules, line, folder):
    """Of one completion: Lua runs in a process of its own, so what all processes took is taken twice, with few rounds and with more."""
    path, cases = os.path.join(folder, "lua.yaml"), os.path.join(folder, "lua.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.write(rules)
    took = []
    for n in (1, 11):
        with open(cases, "w", encoding="utf-8") as f:
            f.writelines([line + "\n"] * n)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([binary, "score", "--rules", path, cases], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 100 * (took[1] - took[0])


def plan(rows, only, quick):
    """(problem, wrap, size) → rows: all pieces, where they stand for this row, small."""
    jobs = {}
    for row in rows:
        if only and not re.search(only, row):
            continue
        problems, wraps = next((p, w) for pattern, p, w in FAMILIES if re.search(pattern, row))
        for problem in problems[:1] if quick else problems:
            for wrap in wraps[:2] if quick else wraps:
                for size in [32 * KB] if quick else [4 * KB, 48 * KB]:
                    jobs.setdefault((problem, wrap, size), []).append(row)
    return jobs


def screen(options, rows, folder):
    """Row → its slowest cases, of all pieces at small sizes."""
    slow = {}
    for (problem, wrap, size), names in sorted(plan(rows, options.only, options.quick).items(), key=lambda job: job[0][2]):
        results = bench(options.binary, [rows[n] for n in names], [case_line(p, wrap, size, problem) for p in PIECES], folder, 0)
        for name, result in zip(names, results):
            slow.setdefault(name, []).extend((c["cpu_us"], c["work"], c["case"]) for c in result["slowest"])
        print(f"{size:8d} {problem:12s} {wrap:10s} {len(names):4d} rows", file=sys.stderr, flush=True)
    return slow


def climb(options, rows, slow, folder):
    """Row → its slowest cases, of the pieces that were slow for some row, larger; all rows with one problem share a run."""
    sizes, pieces, names = [64 * KB, MB] if options.quick else [16 * KB, 64 * KB, 256 * KB, MB, 4 * MB], {}, {}
    for name, cases in slow.items():
        for _, _, case in sorted(cases, reverse=True)[:2 if options.quick else 6]:
            piece, wrap, _, problem = case.split("|")
            pieces.setdefault(problem, set()).add((piece, wrap))
            names.setdefault(problem, {})[name] = None
    for problem, some in pieces.items():
        for size in sizes:
            results = bench(options.binary, [rows[n] for n in names[problem]], [case_line(piece, wrap, size, problem) for piece, wrap in sorted(some)], folder, 0)
            for name, result in zip(names[problem], results):
                slow[name].extend((c["cpu_us"], c["work"], c["case"]) for c in result["slowest"])
            print(f"{size:8d} {problem:12s} {len(names[problem]):4d} rows, {len(some)} pieces", file=sys.stderr, flush=True)
    return slow


def again(options, name, path, cases, folder):
    """The slowest of some cases and those with the dearest units, measured four times more: ((us, units, case) of the slowest, (ns a unit, case) of the dearest)."""
    def least(case):
        piece, wrap, size, problem = case.split("|")
        took = bench(options.binary, [path], [case_line(piece, wrap, int(size), problem)] * 4, folder, 0)[0]["slowest"][-1]
        return took["cpu_us"], took["work"], case
    cases = sorted(cases, reverse=True)
    close = cases[0][0] > 300 * (MATH_BOUND_MS if is_math(name) else BOUND_MS)  # far from the bound: one will do
    long = sorted((c for c in cases if c[0] >= 1000 and c[1]), key=lambda c: c[0] / c[1], reverse=True)  # of short ones the clock tells little
    found = [least(case) for case in dict.fromkeys([c[2] for c in cases[:3 if close else 1]] + [c[2] for c in long[:2]])]
    return max(found), max((1000 * us / work if work else 0, case) for us, work, case in found)


def lua_rows(options, table, paths, folder):
    """Rows of Lua functions, and of the dearest row of rules with the dearest of them beside it."""
    rows = []
    for name, code in LUA.items():
        rules = "version: 1\nrules:\n" + lua_rule("reward", code)
        cost, piece = max((lua_cost(options.binary, rules, case_line(piece, "", 64 * KB, "42"), folder), piece) for piece in ("a", "word", "fresh words"))
        rows.append((1000 * cost, 0, f"{piece}||65536|42", "lua " + name))
    name = max(rows)[3][len("lua "):]
    for us, work, case, row in sorted((r for r in table if r[3] in paths and not is_math(r[3])), reverse=True)[:3]:
        piece, wrap, size, problem = case.split("|")
        with open(paths[row], encoding="utf-8") as f:
            rules = f.read().replace("rules:\n", "rules:\n" + lua_rule("zz", LUA[name]))
        rows.append((1000 * lua_cost(options.binary, rules, case_line(piece, wrap, min(int(size), 900 * KB), problem), folder), work, case, f"{row} and lua {name}"))
    return rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="three sizes, fewer places and problems")
    arguments.add_argument("--only", default="", help="rows whose name this pattern finds")
    arguments.add_argument("--top", type=int, default=0, help="print no more rows than this; 0: all")
    arguments.add_argument("--binary", default="build/rulezero")
    options = arguments.parse_args()
    listing = json.loads(subprocess.run([options.binary, "rules", "list", "--json"], stdout=subprocess.PIPE, check=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        rows = make_rows(listing, folder)
        slow = climb(options, rows, screen(options, rows, folder), folder)
        found = {name: again(options, name, rows[name], cases, folder) for name, cases in slow.items()}
        table = [(*worst, name) for name, (worst, _) in found.items()]
        if not options.only or re.search(options.only, "lua"):
            table += lua_rows(options, table, {n: p for n, p in rows.items() if p.startswith(folder)}, folder)
    over = 0
    print(f"{'ms':>8s} {'units':>10s} {'ns':>5s}  row: piece, where it stands, bytes, gold")
    for us, work, case, name in sorted(table, reverse=True)[:options.top or None]:
        bad = us / 1000 > (MATH_BOUND_MS if is_math(name) else BOUND_MS)
        over += bad
        piece, wrap, size, problem = case.split("|")
        dearest = f"{found[name][1][0]:5.2f}" if name in found else "     "
        print(f"{us / 1000:8.2f} {work:10d} {dearest}  {name}: {piece}, {wrap or 'bare'}, {size}, {problem}{'  OVER' if bad else ''}")
    print(f"{len(table)} rows, {over} over the bound ({BOUND_MS} ms, {MATH_BOUND_MS} ms where mathematics is compared)")
    for (ns, case), name in sorted(((dearest, name) for name, (_, dearest) in found.items()), reverse=True)[:5]:
        print(f"a unit took at most {ns:.2f} ns in {name} ({case}): all {RULE_WORK} would take {ns * RULE_WORK / 1e6:.1f} ms")
    return over > 0


if __name__ == "__main__":
    sys.exit(main())
