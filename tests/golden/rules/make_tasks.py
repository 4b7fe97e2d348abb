"""Writes tasks.jsonl: answers to decimals, sums and GSM8K as models write them, judged by Python's exact fractions, in a syntax read by a pattern of its own;
and shapes of a completion that must earn nothing, with every rule file. Run: python3 tests/golden/rules/make_tasks.py > tests/golden/rules/tasks.jsonl"""
import fractions
import json
import re

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
GROUPED = re.compile(r"([+-]?[$€£]?)([0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]*)?")


def number(text):
    return fractions.Fraction(text) if NUMBER.fullmatch(text) else None


def decimals(text):
    return number(text.strip(" \t\r\n"))


def usual(text):
    text = text.strip(" \t\r\n")
    if text.startswith("−"):
        text = "-" + text[1:]
    grouped = GROUPED.fullmatch(text)
    if grouped:
        text = grouped[1] + grouped[2].replace(",", "") + (grouped[3] or "")
    return text


def sums(text):
    text = usual(text)
    return number(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None


def gsm8k(text):
    text = re.sub(r"^([+-]?)[$€£]", r"\1", usual(text))
    if len(text) > 1 and text.endswith(".") and text[-2] != ".":
        text = text[:-1]
    return number(text)


TASKS = [
    ("decimals", decimals, [
        ("3.9", ["3.9", "3.90", " 3.9 ", "\n3.900\n", "+3.9", "03.9", "39e-1", "3.11", "3.9 > 3.11", "3.9, 3.11", "3.9 or 3.11", "larger: 3.9", "3,9", "3.9.",
                 "-3.9", "−3.9", "３.9", "3.9%", "4", "3", "3 .9", "3.9\u00a0", "3.89999999999999999999999", "3.9000000000000000000000001", "equal", "", "<b>3.9</b>"]),
        ("-3.11", ["-3.11", "-3.110", "3.11", "- 3.11", "-3.9", "--3.11", "-03.11"]),
        ("2.5", ["2.5", "2.50", "equal", "2.5 = 2.50", "they are equal"]),
        ("0.5", [".5", "0.5", "0.50", "1/2", "5e-1", "0,5"]),
        ("123456789.987654321", ["123456789.987654321", "123456789.9876543210", "123456789.987654320", "123456789.98765432"]),
    ]),
    ("sums", sums, [
        ("-6", ["-6", " -6 ", "−6", "6", "-6.0", "-6.", "12 + 7 - 30 + 5 = -6", "= -6", "-06", "$-6", "-6 or 6", "minus six"]),
        ("1234", ["1234", "1,234", "+1234", "12,34", "1,2345", "1 234", "1234.0", "01234", "1235"]),
        ("0", ["0", "-0", "00", "+0", "", "zero", "0x0"]),
    ]),
    ("gsm8k", gsm8k, [
        ("72", ["72", "72.", "72.0", "$72", "72.00", "72 clips", "72 dollars", "72%", "#### 72", "7 2", "seventy-two", "72..", "-72"]),
        ("1234", ["1,234", "1234", "$1,234", "$1,234.00", "1,234.", "1,23,4", "12,34"]),
        ("-5", ["-5", "−5", "-$5", "$-5", "5", "(5)"]),
        ("0.5", ["0.5", ".5", "1/2", "50%", "$0.50"]),
    ]),
]
SHAPES = [  # what stands around the right answer, X
    ("two answers", "<think>a</think> <answer>X</answer> <answer>X</answer>"),
    ("a second answer without an end", "<think>a</think> <answer>X</answer> <answer>"),
    ("an answer in an answer", "<think>a</think> <answer><answer>X</answer></answer>"),
    ("the answer only within the thinking", "<think><answer>X</answer></think>"),
    ("an answer within the thinking, and one behind", "<think><answer>X</answer></think> <answer>X</answer>"),
    ("empty thinking", "<think></think> <answer>X</answer>"),
    ("blank thinking", "<think> \n\u200b </think> <answer>X</answer>"),
    ("no thinking", "<answer>X</answer>"),
    ("thinking that does not end", "<think>a <answer>X</answer>"),
    ("the thinking ends twice", "<think>a</think></think> <answer>X</answer>"),
    ("answer first", "<answer>X</answer> <think>a</think>"),
    ("text before", "Sure. <think>a</think> <answer>X</answer>"),
    ("text between", "<think>a</think> so <answer>X</answer>"),
    ("text behind", "<think>a</think> <answer>X</answer> X"),
    ("the next question", "<think>a</think> <answer>X</answer>\nUser: Which number is larger, 1.2 or 1.10?"),
    ("other letters", "<Think>a</Think> <Answer>X</Answer>"),
    ("blanks in tags", "< think>a</ think> < answer>X</ answer>"),
    ("no tags", "X"),
    ("nothing", ""),
]


def line(**fields):
    print(json.dumps(fields, ensure_ascii=False))


for task, value, golds in TASKS:
    rules = f"configs/rules/{task}.yaml"
    for gold, answers in golds:
        for answer in answers:
            right, form = value(answer) is not None and value(answer) == value(gold), bool(answer.strip())
            line(name=f"{task}: {answer!r} for {gold!r}", rules=rules, completion=f"<think> {gold} it is </think> <answer>{answer}</answer>", answer=gold,
                 expect={"score": 1.1 if right else 0.1 if form else 0, "correct": right, "format_ok": form, "errors": 0})
    gold = golds[0][0]
    for name, shape in SHAPES:
        line(name=f"{task}: {name}", rules=rules, completion=shape.replace("X", gold), answer=gold,
             expect={"score": 0, "correct": False, "format_ok": False, "errors": 0})
    line(name=f"{task}: cut", rules=rules, completion=f"<think>a</think> <answer>{gold}</answer>", answer=gold, truncated=True,
         expect={"score": 0, "correct": False, "format_ok": False, "errors": 0})
