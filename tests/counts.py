"""Counts what ./check ran: counts.py BUILD=testlog.json …  (an empty path: the build itself failed)

A test program of the Check framework counts as its checks, any other test as one. Nothing passes by silence: a program that failed without
a failed check, one whose checks failed though it returned 0, and one that ran no check at all each count as a failure. The log of every failure is
shown; the last line is "N passed, N failed"."""
import json
import re
import sys

CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.MULTILINE)
TAIL_LINES = 40


def count(test):
    """(passed, failed, skipped) of one entry of meson's testlog.json."""
    if test["result"] == "SKIP":
        return 0, 0, 1
    ok = test["result"] in ("OK", "EXPECTEDFAIL")
    totals = [tuple(map(int, m)) for m in CHECK.findall(test.get("stdout", ""))]
    if not totals:
        is_check = ":unit / " in test["name"]
        return (1, 0, 0) if ok and not is_check else (0, 1, 0)
    ran = sum(t[0] for t in totals)
    failed = sum(t[1] + t[2] for t in totals)
    if failed == 0 and (ran == 0 or not ok):
        return ran, 1, 0
    return ran - failed, failed, 0


def show(build, test):
    print(f"--- {build}: {test['name']}: {test['result']}, status {test['returncode']}, {test['duration']:.1f} s")
    for stream in "stdout", "stderr":
        for line in test.get(stream, "").splitlines()[-TAIL_LINES:]:
            print(line)


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    total = [0, 0, 0]
    for argument in sys.argv[1:]:
        build, path = argument.split("=", 1)
        if not path:
            print(f"{build}: does not build")
            total[1] += 1
            continue
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                tests = [json.loads(line) for line in f]
        except FileNotFoundError:
            tests = []
        sums, seconds = [0, 0, 0], 0.0
        for test in tests:
            counts = count(test)
            sums = [a + b for a, b in zip(sums, counts)]
            seconds += test["duration"]
            if counts[1]:
                show(build, test)
        print(f"{build}: {len(tests)} programs, {sums[0]} passed, {sums[1]} failed, {sums[2]} skipped, {seconds:.0f} s of tests")
        total = [a + b for a, b in zip(total, sums)]
    passed, failed, skipped = total
    if passed + failed == 0:
        print("nothing ran: is there a test of that name?")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or passed == 0 else 0


sys.exit(main())
