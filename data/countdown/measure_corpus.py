#!/usr/bin/env python3
"""Measures what a corpus contains, for docs/corpus.md: reads documents {"text": …} a line and judges them on its own, sharing nothing with data/corpus.c.

    build/rulezero data make countdown --corpus KEYS… --count 100000 --seed 1 -o - | python3 data/countdown/measure_corpus.py
"""
import json
import re
import statistics
import sys
from fractions import Fraction

TOKEN = re.compile(r"^[\d+\-*/() ]+$")
FORMAT = re.compile(r"^<think> (?P<trace>[^<>]+) </think> <answer> (?P<answer>[^<>]+) </answer>$")


def value(expression):
    """The exact value of an expression of + - * / ( ) and whole numbers; None if there is none."""
    if not TOKEN.match(expression):
        return None
    try:
        return eval(re.sub(r"\d+", lambda m: f"Fraction({m.group()})", expression), {"__builtins__": {}}, {"Fraction": Fraction})
    except (SyntaxError, ZeroDivisionError, TypeError):
        return None


def is_right(expression, numbers, target):
    return sorted(map(int, re.findall(r"\d+", expression))) == sorted(numbers) and value(expression) == target


def main():
    n = searches = in_format = right = right_later = equations = hold = attempts = traces = 0
    several = checked = waits = yes = checks = verdicts = wrong_checked = wrong_unchecked = unchecked = 0
    by_count = {}
    words = []
    for line in sys.stdin:
        text = json.loads(line)["text"]
        n += 1
        words.append(len(text.split()))
        for a, op, b, r in re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", text):
            equations += 1
            hold += value(f"{a} {op} {b}") == int(r)
        prompt = re.match(r"numbers ([\d ]+) target (\d+) \? ?(.*)", text)
        if not prompt:
            continue
        searches += 1
        numbers, target, rest = list(map(int, prompt.group(1).split())), int(prompt.group(2)), prompt.group(3)
        tried = re.findall(r"= (\d+) (?:vs \d+ off \d+ )?(?:yes|no)\b", rest)
        if tried:
            traces += 1
            attempts += len(tried)
            several += len(tried) > 1
            checked += " vs " in rest
            waits += " wait " in rest
            yes += " yes" in rest
        for result, check, verdict in re.findall(r"= (\d+) (vs \d+ off \d+ )?(yes|no)\b", rest):
            # the written result may be noise; what counts as wrong here is judged by it, which is off in one verdict of 200 at most
            wrong = (verdict == "yes") != (int(result) == target)
            checks += bool(check)
            unchecked += not check
            wrong_checked += bool(check) and wrong
            wrong_unchecked += not check and wrong
        form = FORMAT.match(rest)
        if form:
            in_format += 1
            good = is_right(form.group("answer"), numbers, target)
            right += good
            right_later += good and len(tried) > 1
            seen = by_count.setdefault(len(numbers), [0, 0])
            seen[0] += 1
            seen[1] += good
    words.sort()
    print(f"documents                                     {n}")
    print(f"in the required format                        {in_format / n:.1%}")
    print(f"of these right                                {right / in_format:.1%}  " + ", ".join(f"{k} numbers {b / a:.1%}" for k, (a, b) in sorted(by_count.items())))
    print(f"complete, correct examples                    {right / n:.1%}")
    print(f"the same with more than one attempt           {right_later / n:.1%}")
    print(f"traces with more than one attempt             {several / traces:.0%}")
    print(f"traces with a self-check                      {checked / traces:.0%}")
    print(f"traces with 'wait'                            {waits / traces:.0%}")
    print(f"traces that say yes                           {yes / traces:.0%}")
    print(f"attempts per trace                            {attempts / traces:.1f}")
    print(f"wrong verdicts behind a check, without one    {wrong_checked / checks:.1%}, {wrong_unchecked / unchecked:.1%}")
    print(f"written equations that hold                   {hold / equations:.1%}")
    print(f"words: mean, 95th percentile, longest         {statistics.mean(words):.0f}, {words[int(.95 * n)]}, {words[-1]}")


if __name__ == "__main__":
    main()
