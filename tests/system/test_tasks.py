"""Every task against a truth of its own: each problem is read back from its prompt and solved here, by brute force or by Python's own arithmetic. And
docs/tasks.md says what `data tasks` says."""
import collections
import datetime
import itertools
import math
import re
from fractions import Fraction

from common import *

LEVELS = "level=1,2,3,4,5"

def made(task, count, *words):
    lines = rulezero("data", "make", task, *words, "--count", str(count), "-o", "-").expect(OK).out.splitlines()
    check(len(lines) == count, len(lines))
    return [json.loads(line) for line in lines]

def match(pattern, prompt):
    m = re.fullmatch(pattern, prompt, re.S)
    check(m, prompt)
    return m.groups()

# ---- one function a task: the right answer to a prompt, or a function that judges one ----

def products(prompt, meta):
    (factors,) = match(r"What is (\d+(?: \* \d+)+)\?", prompt)
    return str(math.prod(map(int, factors.split(" * "))))

class Whole(int):
    """A whole number whose quotients must be whole."""
    def __add__(self, other): return Whole(int(self) + int(other))
    def __sub__(self, other): return Whole(int(self) - int(other))
    def __mul__(self, other): return Whole(int(self) * int(other))
    def __truediv__(self, other):
        check(int(self) % int(other) == 0, self, "/", other)
        return Whole(int(self) // int(other))

def basic_arithmetic(prompt, meta):
    (text,) = match(r"What is ([-+*/() \d]+)\?", prompt)
    return str(eval(re.sub(r"\d+", lambda m: f"Whole({m.group()})", text)))

def number_sorting(prompt, meta):
    how, given = match(r"Sort these numbers from (largest to smallest|smallest to largest): (.*)", prompt)
    texts = given.split(", ")
    check(len(set(map(Fraction, texts))) == len(texts), prompt)
    return ", ".join(sorted(texts, key=Fraction, reverse=how.startswith("largest")))

def word_sorting(prompt, meta):
    (given,) = match(r"Sort these words in alphabetical order: ([a-z, ]+)", prompt)
    return ", ".join(sorted(given.split(", ")))

def reversal(prompt, meta):
    return match(r"Write this backwards: ([a-z]+)", prompt)[0][::-1]

def base_conversion(prompt, meta):
    text, a, b = match(r"The number ([0-9a-f]+) is written in base (\d+)\. Write it in base (\d+)\.", prompt)
    return lambda answer: int(answer, int(b)) == int(text, int(a)) and answer[0] != "0" and answer != text

def common(what, function):
    def solve(prompt, meta):
        (given,) = match(rf"What is the {what} of ([\d, and]+)\?", prompt)
        return str(function(*map(int, re.findall(r"\d+", given))))
    return solve

def lcm_of(*values):
    found = 1
    for v in values:
        found = found * v // math.gcd(found, v)
    return found

def gcd_of(*values):
    found = 0
    for v in values:
        found = math.gcd(found, v)
    return found

def count_bits(prompt, meta):
    return str(bin(int(match(r"How many ones are there in the number (\d+) written in base 2\?", prompt)[0])).count("1"))

def letter_counting(prompt, meta):
    letter, text = match(r'How many times does the letter "([a-z])" occur in "([a-z ]+)"\?', prompt)
    return str(text.count(letter))

def linear(text, x):
    """The value of "-3x + 5" at x."""
    total = Fraction(0)
    for sign, number, has_x in re.findall(r"([-+]?) ?(\d*)(x?)", text):
        if number or has_x:
            total += (-1 if sign == "-" else 1) * int(number or 1) * (x if has_x else 1)
    return total

def equations(prompt, meta):
    kind, text = match(r"(Solve for x|Solve for x, as a fraction|Find every x, with a comma between two): (.*)", prompt)
    left, right = text.split(" = ")
    if kind.startswith("Find"):
        value = lambda x: x * x + linear(left[3:], x)
        roots = [x for x in range(-1100, 1101) if left.startswith("x^2") and value(x) == 0]
        check(right == "0", prompt)
        return ", ".join(map(str, roots))
    def judge(answer):
        x = Fraction(answer)
        return linear(left, x) == linear(right, x) and linear(left, x + 1) != linear(right, x + 1) and ("/" in answer) == ("fraction" in kind) and answer == str(x)
    return judge

def says(text, knights):
    def one(part):
        m = re.fullmatch(r"(\w+) is a (knight|knave)", part)
        return (m.group(1) in knights) == (m.group(2) == "knight")
    m = re.fullmatch(r"(\w+) and (\w+) are of (the same kind|different kinds)", text)
    if m:
        return ((m.group(1) in knights) == (m.group(2) in knights)) == (m.group(3) == "the same kind")
    for pattern, join in ((r"if (.*), then (.*)", lambda a, b: not a or b), (r"(.*) exactly if (.*)", lambda a, b: a == b), (r"(.*) and (.*)", lambda a, b: a and b),
                          (r"(.*) or (.*)", lambda a, b: a or b)):
        m = re.fullmatch(pattern, text)
        if m:
            return join(one(m.group(1)), one(m.group(2)))
    return one(text)

def knights_knaves(prompt, meta):
    statements = re.findall(r'(\w+) says: "([^"]+)\."', prompt)
    people = [name for name, _ in statements]
    check(len(set(people)) == len(people), prompt)
    worlds = [w for k in range(len(people) + 1) for w in itertools.combinations(people, k) if all(says(t, w) == (p in w) for p, t in statements)]
    check(len(worlds) == 1, prompt, worlds)
    check(meta["roles"] == {p: "knight" if p in worlds[0] else "knave" for p in people}, meta)
    return ", ".join(f"{p} is a {'knight' if p in worlds[0] else 'knave'}" for p in people)

def sudoku4(prompt, meta):
    rows = [row.split(" ") for row in prompt.split("\n")[1:]]
    check(["".join(r) for r in rows] == meta["grid"], prompt)
    def judge(answer):
        grid = [row.split(" ") for row in answer.split("\n")]
        groups = grid + [list(c) for c in zip(*grid)] + [[grid[y + i][x + k] for i in (0, 1) for k in (0, 1)] for y in (0, 2) for x in (0, 2)]
        return all(sorted(g) == list("1234") for g in groups) and all(a in ("_", b) for r, s in zip(rows, grid) for a, b in zip(r, s))
    return judge

MOVES = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}

def distance(prompt):
    """Of the grid below a prompt: by relaxing until nothing changes, and the cells."""
    grid = [row.split(" ") for row in prompt.split("\n")[1:]]
    cells = {(y, x): c for y, row in enumerate(grid) for x, c in enumerate(row)}
    start, goal = [next(k for k, c in cells.items() if c == what) for what in "SG"]
    far = {start: 0}
    changed = True
    while changed:
        changed = False
        for (y, x), d in list(far.items()):
            for dy, dx in MOVES.values():
                to = (y + dy, x + dx)
                if cells.get(to, "#") != "#" and far.get(to, 1e9) > d + 1:
                    far[to] = d + 1
                    changed = True
    return cells, start, goal, far[goal]

def shortest_path(prompt, meta):
    cells, start, goal, length = distance(prompt)
    def judge(answer):
        y, x = start
        for move in answer:
            y, x = y + MOVES[move][0], x + MOVES[move][1]
            if cells.get((y, x), "#") == "#":
                return False
        return (y, x) == goal and len(answer) == length
    return judge

def maze(prompt, meta):
    return str(distance(prompt)[3])

def fraction_simplification(prompt, meta):
    a, b = map(int, match(r"Write (\d+)/(\d+) in lowest terms\.", prompt))
    check(math.gcd(a, b) > 1, prompt)
    return str(Fraction(a, b))

def prime_factorisation(prompt, meta):
    n = int(match(r"Write (\d+) as a product of prime numbers\.", prompt)[0])
    def judge(answer):
        primes = list(map(int, answer.split(" * ")))
        return math.prod(primes) == n and len(primes) > 1 and all(p > 1 and all(p % d for d in range(2, math.isqrt(p) + 1)) for p in primes)
    return judge

# what a template asks, in words of its own: a pattern of the text and the answer
WORDS = [
    (r"\w+ has (\d+) \w+\. \w+ gives \w+ (\d+) more\..*", lambda a, b: a + b),
    (r"\w+ had (\d+) \w+ and gave (\d+) of them to .*", lambda a, b: a - b),
    (r"\w+ fills (\d+) boxes with (\d+) .*", lambda m, a: m * a),
    (r"\w+ shares (\d+) \w+ equally among (\d+) friends.*", lambda a, m: Fraction(a, m)),
    (r"\w+ is (\d+) years old, and \w+ is (\d+) years older\..*", lambda a, b: a + b),
    (r"There were (\d+) \w+ in a shop in the morning and (\d+) in the evening.*", lambda a, b: a - b),
    (r"\w+ has (\d+) \w+, and \w+ has (\d+) times as many\..*together\?", lambda a, m: a * (1 + m)),
    (r"\w+ buys (\d+) bags of (\d+) \w+ and loses (\d+) .*", lambda m, a, b: m * a - b),
    (r"A ticket for a child costs (\d+) coins, one for an adult (\d+) coins\. How many coins do (\d+) children and one adult pay\?", lambda a, b, m: a * m + b),
    (r"\w+ reads (\d+) pages on Monday and (\d+) pages on Tuesday\. The book has (\d+) pages\..*", lambda a, b, c: c - (a + b)),
    (r"\w+ and \w+ pick (\d+) and (\d+) \w+ and share them equally\..*", lambda a, b: Fraction(a + b, 2)),
    (r"\w+ saves (\d+) coins a week\. How many coins are missing after (\d+) weeks for a bicycle that costs (\d+) coins\?", lambda a, m, c: c - a * m),
    (r"A bus with (\d+) people stops\. (\d+) people get off and (\d+) get on\..*", lambda a, b, c: a - b + c),
    (r"\w+ has (\d+) boxes of (\d+) \w+, \w+ has (\d+) boxes of (\d+) \w+\..*", lambda m, a, n, b: m * a + n * b),
    (r"\w+ has (\d+) \w+, \w+ has (\d+) more than \w+, and they give away (\d+) of them all\..*", lambda a, b, c: 2 * a + b - c),
    (r"On a farm there are (\d+) hens and (\d+) cows\..*legs.*", lambda a, b: 2 * a + 4 * b),
    (r"\w+ bakes (\d+) trays of (\d+) cakes, keeps (\d+) and sells the others for (\d+) coins each\..*", lambda m, a, b, n: (m * a - b) * n),
    (r"A box holds (\d+) \w+\. \w+ has (\d+) \w+, buys (\d+) more .*", lambda m, a, b: Fraction(a + b, m)),
    (r"\w+ earns (\d+) coins an hour and works (\d+) hours a day for (\d+) days\. Then \w+ spends (\d+) coins and gives (\d+) to .*",
     lambda a, m, n, b, c: a * m * n - b - c),
    (r"(\d+) friends buy (\d+) boxes of (\d+) \w+ and find (\d+) more\..*", lambda m, n, a, b: Fraction(n * a + b, m)),
]
used = collections.Counter()

def word_problems(prompt, meta):
    found = [(i, f(*map(int, m.groups()))) for i, (pattern, f) in enumerate(WORDS) for m in [re.fullmatch(pattern, prompt)] if m]
    check(len(found) == 1 and found[0][1] > 0, prompt, found)
    used[found[0][0]] += 1
    return str(found[0][1])

def number_sequence(prompt, meta):
    """All that fit: a step, a ratio, two steps in turns, a growing step, sums of the last two."""
    v = [int(x) for x in match(r"Which number comes next: ((?:-?\d+, )+)\?", prompt)[0].split(", ")[:-1]]
    d = [b - a for a, b in zip(v, v[1:])]
    fit = set()
    if len(set(d)) == 1:
        fit.add(v[-1] + d[0])
    if all(b * v[0] == a * v[1] for a, b in zip(v, v[1:])) and v[0]:
        fit.add(v[-1] * v[1] // v[0])
    if len(set(d[::2])) == 1 and len(set(d[1::2])) == 1:
        fit.add(v[-1] + d[len(d) % 2])
    if len({b - a for a, b in zip(d, d[1:])}) == 1:
        fit.add(v[-1] + 2 * d[-1] - d[-2])
    if all(a + b == c for a, b, c in zip(v, v[1:], v[2:])):
        fit.add(v[-1] + v[-2])
    check(len(fit) == 1, prompt, fit)
    return str(fit.pop())

def binary_alternation(prompt, meta):
    (text,) = match(r"Two digits of ([01]+) may be exchanged at a time.*", prompt)
    goals = [g for g in (("01" * len(text))[:len(text)], ("10" * len(text))[:len(text)]) if g.count("1") == text.count("1")]
    return str(min(sum(a != b for a, b in zip(text, g)) for g in goals) // 2)

def caesar(prompt, meta):
    m = re.fullmatch(r"Move every letter (\d+) forward in the alphabet \(a follows z\): ([a-z ]+)", prompt)
    back = m is None
    shift, text = m.groups() if m else match(r"Every letter of a text was moved (\d+) forward in the alphabet \(a follows z\), which gave: ([a-z ]+)\. What was the text\?", prompt)
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    k = int(shift)
    table = str.maketrans(alphabet[k:] + alphabet[:k], alphabet) if back else str.maketrans(alphabet, alphabet[k:] + alphabet[:k])
    return text.translate(table)

def stack_program(prompt, meta):
    digits, most, target = match(r"A stack machine knows the words (\d \d \d) \(.*Write a program of at most (\d+) words that leaves (\d+) and nothing else\.", prompt)
    check(meta["words"] == digits.split() + ["+", "-", "*", "dup", "swap"] and meta["max_words"] == int(most) and meta["target"] == int(target), meta)
    def judge(answer):
        stack = []
        for word in answer.split():
            if word not in meta["words"]:
                return False
            if word.isdigit():
                stack.append(int(word))
            elif word == "dup":
                stack.append(stack[-1])
            else:
                b, a = stack.pop(), stack.pop()
                stack += [b, a] if word == "swap" else [{"+": a + b, "-": a - b, "*": a * b}[word]]
        return stack == [int(target)] and 1 < len(answer.split()) <= int(most)
    return judge

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

def date(text):
    return datetime.datetime.strptime(text, "%d %B %Y").date()

def calendar(prompt, meta):
    m = re.fullmatch(r"Today is (\w+)\. Which day of the week (?:is it in (\d+) days|was it (\d+) days ago)\?", prompt)
    if m:
        return DAYS[(DAYS.index(m.group(1)) + int(m.group(2) or 0) - int(m.group(3) or 0)) % 7]
    m = re.fullmatch(r"How many days after (\d+ \w+ \d+) is (\d+ \w+ \d+)\?", prompt)
    if m:
        return str((date(m.group(2)) - date(m.group(1))).days)
    first, known, then = match(r"(1 \w+ \d+) is a (\w+)\. Which day of the week is (\d+ \w+ \d+)\?", prompt)
    check(DAYS[date(first).weekday()] == known, prompt)
    return DAYS[date(then).weekday()]

def logic(prompt, meta):
    given, formula = match(r"(.*)\. Is this true or false: (.*)\?", prompt)
    values = {letter: value == "true" for letter, value in re.findall(r"([a-d]) is (true|false)", given)}
    def value(text):
        depth = 0
        for m in re.finditer(r"\(|\)| and | or | implies ", text):
            depth += {"(": 1, ")": -1}.get(m.group(), 0)
            if depth == 0 and m.group() not in "()":
                a, b = value(text[:m.start()]), value(text[m.end():])
                return {" and ": a and b, " or ": a or b, " implies ": not a or b}[m.group()]
        if text.startswith("not "):
            return not values[text[4:]]
        return value(text[1:-1]) if text[0] == "(" else values[text]
    return "true" if value(formula) else "false"

SOLVERS = {
    "products": products, "basic_arithmetic": basic_arithmetic, "number_sorting": number_sorting, "word_sorting": word_sorting, "reversal": reversal,
    "base_conversion": base_conversion, "gcd": common("greatest common divisor", gcd_of), "lcm": common("least common multiple", lcm_of), "count_bits": count_bits,
    "letter_counting": letter_counting, "equations": equations, "knights_knaves": knights_knaves, "sudoku4": sudoku4, "shortest_path": shortest_path, "maze": maze,
    "fraction_simplification": fraction_simplification, "prime_factorisation": prime_factorisation, "word_problems": word_problems,
    "number_sequence": number_sequence, "binary_alternation": binary_alternation, "caesar": caesar, "stack_program": stack_program, "calendar": calendar,
    "logic": logic,
}

@case("every answer is right, by Python")
def _(folder):
    names = re.findall(r"^### (\w+)$", rulezero("data", "tasks").expect(OK).out, re.M)
    check(set(names) == set(SOLVERS) | {"countdown", "decimals", "sums"}, names)
    for task, solver in SOLVERS.items():
        for p in made(task, 400, LEVELS, "seed=4"):
            right = solver(p["prompt"], p["meta"])
            check(right(p["answer"]) if callable(right) else right == p["answer"], task, p, None if callable(right) else right)
    check(len(used) == len(WORDS), "templates that never came", set(range(len(WORDS))) - set(used))

@case("levels take turns, splits share no problem, keys go before levels")
def _(folder):
    for task in SOLVERS:
        problems = made(task, 60, LEVELS)
        check([p["meta"]["kind"] for p in problems] == [f"level_{1 + i % 5}" for i in range(60)], task)
        clusters = [{p["cluster"] for p in made(task, 150, f"split={split}", "level=1")} for split in ("train", "validation", "test")]
        check(not any(a & b for a, b in itertools.combinations(clusters, 2)), task, "splits share problems")
        check(all(len(c) > 2 for c in clusters), task, [len(c) for c in clusters])
    check(made("products", 20, "level=3") != made("products", 20), "the level changes nothing")
    check(made("products", 20, "level=1") != made("products", 20, "level=1", "items=4"), "the key changes nothing")
    check(all(p["prompt"].count("*") == 3 for p in made("products", 20, "level=1,5", "items=4")), "the level wins over the key")
    rulezero("data", "make", "products", "items=5", "--count", "5", "-o", "-").expect(CONFIG, "products: items is 5, must be 2..4 (factors)")
    rulezero("data", "make", "products", "length=5", "--count", "5", "-o", "-").expect(USAGE, "length is no key of the task products, which has items, largest")
    rulezero("data", "make", "products", "level=6", "--count", "5", "-o", "-").expect(CONFIG, "level is 6")
    rulezero("data", "make", "word_sorting", "items=20", "variety=1", "--count", "5", "-o", "-").expect(CONFIG, "gave no problem of level 1 for the train split")
    rulezero("data", "tasks", "gdc").expect(USAGE, "did you mean 'gcd'?")

@case("docs/tasks.md says what data tasks says")
def _(folder):
    with open("docs/tasks.md", encoding="utf-8") as f:
        docs = f.read()
    said = rulezero("data", "tasks").expect(OK).out
    check(said in docs, "docs/tasks.md must hold what `rulezero data tasks` prints", [part[:60] for part in said.split("\n### ") if part not in docs])

if __name__ == "__main__":
    main(workers=2)
