"""docs/rules/ as it is written: its walk-throughs are run, its rule files and those of configs/rules/ load and judge their cases, its links lead somewhere."""
import glob

from common import *

BUILD = os.path.dirname(BINARY)
PAGES = sorted(glob.glob("docs/rules/*.md"))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def installed(folder):
    """The environment in which pkg-config finds what `meson install` puts there."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder], check=True, capture_output=True)
    for path, _, files in os.walk(folder):
        if "rulezero.pc" in files:
            return dict(os.environ, PKG_CONFIG_PATH=path, PKG_CONFIG_SYSROOT_DIR=folder)
    raise AssertionError("meson install makes no rulezero.pc")


def walk_through(folder, page):
    """Blocks whose first line is ```LANGUAGE NAME are files; ```sh is run; ```out: its lines' parts (between …) come out in this order."""
    os.makedirs(f"{folder}/checkout/build")
    os.symlink(BINARY, f"{folder}/checkout/build/rulezero")
    environment, said, ran = installed(f"{folder}/root") if "pkg-config" in page else dict(os.environ), "", 0
    for language, name, text in re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        if name:
            write(f"{folder}/checkout/{name}", text)
        elif language == "sh":
            result = subprocess.run(["bash", "-ec", text], cwd=f"{folder}/checkout", env=environment, capture_output=True, text=True)
            check(result.returncode == 0, f"{text}{result.stdout}{result.stderr}")
            said, ran = result.stdout, ran + 1
        elif language == "out":
            at = 0
            for part in filter(None, re.split("…|\n", text)):
                at = said.find(part, at)
                check(at >= 0, f"'{part}' does not come out, or not here:\n{said}")
                at += len(part)
    return ran


for page, commands in ("README", 3), ("lua", 2), ("plugins", 3):
    @case(f"docs/rules/{page}.md, as it is written")
    def _(folder, page=page, commands=commands):
        check(walk_through(folder, read(f"docs/rules/{page}.md")) == commands, "another number of commands was run")


def block(page, line):
    """An indented block from this line on, without its indentation."""
    lines = page.splitlines()
    start = lines.index(line)
    end = next((i for i in range(start, len(lines)) if lines[i] and not lines[i].startswith("    ")), len(lines))
    return "\n".join(text[4:] for text in lines[start:end]) + "\n"


@case("every rule file in the pages loads")
def _(folder):
    n = 0
    empty = write(f"{folder}/none.jsonl", "")
    for page in PAGES:
        text = read(page)
        blocks = re.findall(r"^```yaml[^\n]*\n(version: 1\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if "\n    version: 1\n" in text:
            blocks.append(block(text, "    version: 1"))
        for yaml in blocks:
            if "    file: " in yaml or "    plugin: " in yaml or "    program: " in yaml:
                continue  # walked through, with the files beside them
            n += 1
            rulezero("score", "--rules", write(f"{folder}/{n}.yaml", yaml), empty).expect(OK)
    check(n >= 5, f"{n} rule files in {PAGES}")


@case("what combining.md shows of combine: is taken")
def _(folder):
    rules = "version: 1\nrules:\n  format: {match: a}\n  correct: {match: b}\n  brief: {constant: 1}\n"
    shown = re.findall(r"^    (combine:.*(?:\n      .*)*)", read("docs/rules/combining.md"), re.MULTILINE)
    check(len(shown) >= 4, shown)
    for text in shown:
        text = re.sub(r"^    ", "", text, flags=re.MULTILINE)
        rulezero("score", "--rules", write(f"{folder}/rules.yaml", rules + text + "\n"), write(f"{folder}/none.jsonl", "")).expect(OK)


@case("the examples judge their cases")
def _(folder):
    cases = sorted(glob.glob("configs/rules/*.cases.jsonl"))
    check(len(cases) >= 3, cases)
    for path in cases:
        rulezero("rules", "test", path.replace(".cases.jsonl", ".yaml")).expect(OK)


@case("links lead somewhere")
def _(folder):
    for page in PAGES + sorted(glob.glob("docs/*.md")) + ["README.md"]:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(page)):
            if "://" not in link:
                check(os.path.exists(os.path.join(os.path.dirname(page), link)), f"{page} links to {link}, which is not there")


main(2)
