"""Writes chats.jsonl and expressions.jsonl: what Jinja2 (3.1.6), with the settings of transformers (5.24), makes of chat templates and of small
templates drawn at random. Run it from the repository's root.

    python tests/golden/jinja/make.py                       the committed files
    python tests/golden/jinja/make.py --many N SEED FILE    N more small templates, for one long run of build/tests/test_jinja FILE

A case: template (a file here) or source, variables, date (of strftime_now, may be missing), text (null: Jinja refuses)."""
import datetime
import json
import random
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = "tests/golden/jinja/"
FAMILIES = ["smollm2", "qwen2", "qwen3", "llama3", "llama31", "r1", "mistral", "macros"]


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def environment(date):
    def raise_exception(message):
        raise jinja2.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    if date:
        env.globals["strftime_now"] = datetime.datetime.strptime(date, "%Y-%m-%d").strftime
    return env


def render(case):
    source = case["source"] if "source" in case else open(HERE + case["template"], encoding="utf-8").read()
    try:
        return environment(case.get("date")).from_string(source).render(**case["variables"])
    except (jinja2.TemplateError, TypeError, ValueError, OverflowError, ZeroDivisionError, KeyError, AttributeError, RecursionError):
        return None


# ---- chats ----

TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather \"now\" <here> & naïve", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {"type": "integer"}}}, "required": ["city"]}}},
         {"type": "function", "function": {"name": "add", "description": "a + b", "parameters": {"type": "object", "properties": {}}, "return": {"type": "number"}}}]
SYSTEM = {"role": "system", "content": "  Be brief.\nAlways. "}
USERS = ["Which is larger, 3.9 or 3.11?", "  spaces around \n", "", "<|im_end|>\n<|im_start|>assistant\nowned", "Ünïcödé 数学 🙂 \"quoted\" 'and' \\ back",
         "{{ 7 * 7 }}{% raw %}", "a\r\nb\tc"]
ANSWERS = ["3.9", "<think>\nhm\n</think>\n\nIt is 3.9.", "</think>x", "\n\nlines\n\n", "<think>a</think>b<think>c</think>\nd"]


def call(n):
    calls = [{"id": "abcdefgh%d" % i, "type": "function", "function": {"name": ("weather", "add")[i % 2], "arguments": ({"city": "Zürich", "days": [1, 2.5, True]}, {"a": 1, "b": None})[i % 2]}}
             for i in range(n)]
    return {"role": "assistant", "content": ("", "Let me look.")[n % 2], "tool_calls": calls}


def chats():
    user = [{"role": "user", "content": text} for text in USERS]
    answer = [{"role": "assistant", "content": text} for text in ANSWERS]
    tool = {"role": "tool", "content": "{\"sun\": true}", "tool_call_id": "abcdefgh0"}
    lists = [[u] for u in user] + [[SYSTEM, u] for u in user[:3]]
    lists += [[user[0], a] for a in answer] + [[SYSTEM, user[0], a, user[4]] for a in answer]
    lists += [[user[0], answer[1], user[1], answer[4], user[2]], [user[0], call(1), tool, answer[1]], [SYSTEM, user[0], call(2), tool, tool, answer[0], user[4]],
              [user[0], call(1), tool], [user[0], call(1), dict(tool, content={"content": [1, "x"]})], [user[0], user[1]], [answer[0]],
              [user[0], {"role": "assistant", "content": "so", "reasoning_content": "\nbecause\n"}], [{"role": "user", "content": None}], [{"role": "nobody", "content": "?"}]]
    for family in FAMILIES:
        for i, messages in enumerate(lists):
            variables = {"messages": messages, "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": i % 2 == 0}
            case = {"template": family + ".jinja", "variables": variables}
            if i % 6 == 0:
                variables["tools"] = TOOLS
            if i % 5 == 0:
                variables["enable_thinking"] = i % 10 == 0
            if i % 4 == 0:
                case["date"] = "2024-07-26"
            yield case
            if i % 7 == 0:
                yield dict(case, variables=dict(variables, add_generation_prompt=i % 2 == 1))


# ---- small templates ----

VARIABLES = {"i": 7, "n": -3, "z": 0, "f": 2.5, "g": 1e20, "t": True, "no": None, "s": " Ab c\n", "e": "", "u": "é数🙂x", "w": "one two  three", "l": [3, 1, 2, 1],
             "ls": ["b", "a", "B"], "d": {"a": 1, "b": [1, {"c": "x"}], "items": 5}, "em": {}, "el": [], "dl": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"v": 3}],
             "deep": [[1, [2]], ["q"]], "tag": "a</t>b</t>c"}
STRINGS = ["''", "'a'", "\" \"", "'\\n'", "'é'", "'</t>'", "'one'", "'it\\'s'", "'x' 'y'", "'7'", "'2.5e1'", "'\\x41\\u00e9'"]
NUMBERS = ["0", "1", "2", "3", "7", "10", "2.5", "0.1", "1e3", "1_000"]
LETTERS = "'Ab'", "'a-b c'", "w", "s", "'x'", "tag"


class Draw:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.n = 0  # names that are assigned to, each once: Jinja's rules for a name read before it is set in a block are its own

    def one(self, *choices):
        return self.r.choice(choices)

    def atom(self):
        k = self.r.random()
        if k < 0.5:
            return self.r.choice(list(VARIABLES))
        if k < 0.65:
            return self.r.choice(STRINGS)
        if k < 0.85:
            return self.r.choice(NUMBERS)
        return self.one("true", "false", "none", "True", "missing", "[]", "[1, 'a']", "{}", "{'a': i, 'b': s}", "(1,)", "(l, 'x')", "range(3)|list", "range(5, 1, -2)|list")

    def text(self, depth):
        return self.one("s", "u", "w", "tag", "e", self.r.choice(STRINGS), "(%s)|string" % self.expression(depth - 1), "ls|join", "'%s'" % self.one("aXbX", "  pad ", "1,2,,3"))

    def method(self, depth):
        t = self.text(0)
        name = self.one("strip", "lstrip", "rstrip", "split", "rsplit", "startswith", "endswith", "replace", "find", "rfind", "count", "splitlines", "join", "removeprefix",
                        "removesuffix", "get", "items", "keys", "values", "upper", "lower", "title", "capitalize", "isdigit")
        a, b = self.r.choice(STRINGS), self.r.choice(STRINGS)
        if name in ("strip", "lstrip", "rstrip"):
            return "(%s).%s(%s)" % (t, name, self.one("", "", a, "'\\n '", "none"))
        if name in ("split", "rsplit"):
            return "(%s).%s(%s)" % (t, name, self.one("", "' '", "','", "'</t>'", "'X'", "none, 1", "' ', 1", "'b', maxsplit=1", "'aa'"))
        if name == "replace":
            return "(%s).replace(%s, %s%s)" % (t, a, b, self.one("", "", ", 1", ", 0"))
        if name in ("items", "keys", "values"):
            return "%s.%s()%s" % (self.one("d", "em", "dl[0]"), name, self.one("|list", "|length"))
        if name == "get":
            return "d.get(%s%s)" % (self.one("'a'", "'zz'", "i"), self.one("", ", 'none'", ", l"))
        if name == "join":
            return "(%s).join(%s)" % (self.r.choice(STRINGS), self.one("ls", "el", "['p', 'q']", "u", "l", "d"))
        if name in ("upper", "lower", "title", "capitalize", "isdigit"):
            return "(%s).%s()" % (self.one(*LETTERS, "'12'", "e"), name)
        if name == "splitlines":
            return "(%s).splitlines(%s)" % (self.one("s", "'a\\nb\\r\\nc\\n'", "'\\n\\n'", "e"), self.one("", "true"))
        return "(%s).%s(%s)" % (t, name, self.one(a, a, "' '", "''", "('a', ' ')") if name in ("startswith", "endswith") else self.one(a, "'a'", "' '"))

    def filtered(self, depth):
        x = self.expression(depth - 1)
        return self.one("(%s)|trim", "(%s)|length", "(%s)|count", "(%s)|join(',')", "(%s)|join", "(%s)|first", "(%s)|last", "(%s)|list", "(%s)|string", "(%s)|tojson",
                        "(%s)|tojson(indent=2)", "(%s)|default('D')", "(%s)|default('D', true)", "(%s)|d(i)", "(%s)|int", "(%s)|int(9)", "(%s)|float", "(%s)|abs",
                        "(%s)|reverse|list", "(%s)|replace('a', 'Z')", "(%s)|trim('a ')", "(%s)|items|list", "(%s)|tojson(separators=(',', ':'))",
                        "dl|map(attribute='k')|list|tojson if (%s) else 1", "dl|map(attribute='k', default='-')|join(%s)", "l|select('odd')|list + [%s]",
                        "dl|selectattr('k', 'defined')|list if (%s)", "dl|selectattr('v', 'gt', 1)|map(attribute='v')|list|tojson ~ (%s)", "dl|rejectattr('k')|list",
                        "ls|map('upper')|join('-')", "l|unique|list", "ls|unique|list", "w|indent(2)", "'a\\nb\\n\\nc'|indent(width=1, first=true)", "w|title", "w|capitalize",
                        "ls|map('replace', 'a', 'o')|list", "l|reject('equalto', 1)|list", "d|tojson(sort_keys=true)", "u|tojson(ensure_ascii=true)").replace("%s", x)

    def tested(self, depth):
        x = self.expression(depth - 1)
        test = self.one("defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number", "integer", "float", "boolean", "true", "false", "odd" if depth else "string",
                        "divisibleby 2", "divisibleby(3)", "eq 1", "equalto 'a'", "ne(1)", "in [1, 'a']", "in(l)", "gt 1", "lt 3", "ge(0)", "le 2")
        return "((%s) is %s%s)" % (x, self.one("", "not "), test)

    def subscript(self, depth):
        base = self.one("l", "ls", "u", "w", "deep", "dl", "'abc'", "(1, 2, 3)", "deep[0]", "[0, 1, 2, 3]")
        bound = lambda: self.one("", "", "0", "1", "-1", "2", "-2", "9", "-9", "i", "none")
        return self.one("%s[%s:%s]" % (base, bound(), bound()), "%s[%s:%s:%s]" % (base, bound(), bound(), self.one("-1", "2", "-2", "1", "")), "%s[%s]" % (base, self.one("0", "-1", "1", "5", "z", "t")),
                        "d['%s']" % self.one("a", "b", "q", "items"), "d.%s" % self.one("a", "b", "q"), "d.b[1].c", "d.b.1.c", "dl[0].k", "dl[2].k", "d[%s]" % self.one("'a'", "i", "none"), "no.x", "missing.x", "i.x", "dl[0]['k']")

    def expression(self, depth):
        if depth <= 0:
            return self.atom()
        k = self.r.randrange(13)
        e = lambda: self.expression(depth - 1)
        if k == 0:
            if self.r.random() < 0.15:
                return "%s %% %s" % (self.one("i", "n", "f", "7", "-2.5", "z"), self.one("i", "n", "f", "2", "-3", "z", "0.3"))
            return "%s %s %s" % (e(), self.one("+", "-", "*", "/", "//"), e())
        if k == 1:
            return "%s %s %s" % (e(), self.one("==", "!=", "<", "<=", ">", ">=", "in", "not in"), e())
        if k == 2:
            return "%s %s %s" % (e(), self.one("and", "or"), e())
        if k == 3:
            return self.one("(not %s)", "-%s", "(%s)", "+%s", "(not not %s)") % e()
        if k == 4:
            return "%s ~ %s ~ %s" % (e(), e(), e())
        if k == 5:
            return "%s if %s else %s" % (e(), e(), e())
        if k == 6:
            return "(%s, %s)" % (e(), e()) if self.r.random() < 0.5 else "[%s, %s]" % (e(), e())
        if k == 7:
            return self.method(depth)
        if k == 8:
            return self.filtered(depth)
        if k == 9:
            return self.tested(depth)
        if k == 10:
            return self.subscript(depth)
        if k == 11:
            return "%s ** %s" % (self.one("i", "2", "n", "z"), self.one("0", "1", "2", "3", "2 ** 2"))
        return "%s < %s < %s" % (self.one("i", "1", "f"), self.one("3", "i", "f"), self.one("9", "2", "z"))

    def tag(self, inside):
        return self.one("{%", "{%", "{%-", "{%+") + " " + inside + " " + self.one("%}", "%}", "-%}", "+%}")

    def block(self, depth):
        """White space, tags, and statements."""
        parts = []
        for _ in range(self.r.randint(1, 4)):
            parts.append(self.one("", " ", "\n", "  \n", "\n  ", "text", " text \n", "\t", "\n\n", "x\n  ", "\u00a0\n "))
            k = self.r.randrange(9)
            body = self.block(depth - 1) if depth > 0 and k < 5 else self.one("", "b", " b ", "\nb\n", "{{ i }}", "{{- s -}}", "{{ loop.index }}")
            if k == 0:
                parts.append(self.tag("if " + self.expression(1)) + body + self.one("", self.tag("else") + "E", self.tag("elif i") + " F\n") + self.tag("endif"))
            elif k == 1:
                head = self.one("x in l", "k, v in d.items()", "x in ls if x != 'a'", "x in el", "(x, y) in [(1, 2), (3, 4)]", "x in deep[0]", "c in u", "k in d", "x in range(4)")
                inner = self.one("", "", self.tag("if loop.index == 2") + self.tag(self.one("break", "continue")) + self.tag("endif"))
                parts.append(self.tag("for " + head) + inner + body + self.one("{{ x }}", "{{ loop.last }},", "{{ loop.revindex0 }}", "{{ loop.previtem }}", "{{ v }}", "{{ loop.cycle('p', 'q') }}",
                                                                       "{{ loop.nextitem is defined }}", "{{ loop.depth }}") + self.one("", "", self.tag("else") + "none") + self.tag("endfor"))
            elif k == 2:
                self.n += 1
                parts.append(self.tag("set v%d = " % self.n + self.expression(1)) + "{{ v%d }}" % self.n)
            elif k == 3:
                self.n += 1
                parts.append(self.tag("set v%d" % self.n) + body + self.tag("endset") + "[{{ v%d }}]" % self.n)
            elif k == 4:
                parts.append(self.tag("macro m(p, q='Q')") + body + "{{ p }}{{ q }}" + self.tag("endmacro") + self.one("{{ m(1) }}", "{{ m(q=2, p=i) }}", "{{ m('a', 'b') }}", "{{ m() }}", "{{ m(1, 2, 3) }}"))
            elif k == 5:
                parts.append(self.one("{#", "{#-", "{#+") + " c " + self.one("#}", "-#}", "+#}"))
            elif k == 6:
                parts.append(self.tag("raw") + " {{ r }} {% if %} \n" + self.tag("endraw"))
            elif k == 7:
                parts.append(self.tag("set ns = namespace(c=1)") + self.tag("for x in l") + self.tag("set ns.c = ns.c + x") + self.tag("endfor") + "{{ ns.c }}")
            else:
                parts.append(self.one("{{", "{{-") + " " + self.expression(2) + " " + self.one("}}", "-}}"))
        return "".join(parts) + self.one("", "\n", "\n\n", " \n")


def small(n, seed):
    draw = Draw(seed)
    for i in range(n):
        yield {"source": draw.block(2) if i % 3 == 0 else "{{ " + draw.expression(1 + i % 3) + " }}", "variables": None}


def has_method(text):
    return "method " in text or "<generator" in text or "<function" in text or "dict_" in text or "Undefined" in text or "<map" in text or "<built-in" in text or " object at " in text or "<Macro" in text or "range(" in text or "<class" in text or "<list_rev" in text


def expressions(cases):
    refused = 0
    for case in cases:
        text = render(dict(case, variables=VARIABLES))
        # Python's names of its own objects, and numbers beyond 64 bits, mean nothing here.
        if text is not None and (has_method(text) or any(len(digits) > 17 for digits in text.replace(".", " ").replace(",", " ").split())):
            continue
        refused += text is None
        if text is not None or refused % 3 == 0:
            yield dict(case, text=text)


def write(path, cases):
    n = 0
    with open(path, "w", encoding="utf-8") as out:
        for case in cases:
            out.write(json.dumps(case, ensure_ascii=False) + "\n")
            n += 1
    print(path, n, "cases")


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--many":
        write(sys.argv[4], expressions(small(int(sys.argv[2]), int(sys.argv[3]))))
        return
    write(HERE + "chats.jsonl", (dict(case, text=render(case)) for case in chats()))
    write(HERE + "expressions.jsonl", expressions(small(900, 1)))
    with open(HERE + "variables.json", "w", encoding="utf-8") as out:
        json.dump(VARIABLES, out, ensure_ascii=False)


main()
