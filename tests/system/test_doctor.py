"""rulezero doctor: what it says of a machine that is fit, and of one that is not."""
from common import *

NAMES = {"program", "libraries", "processor", "cores", "memory", "clock", "huge pages", "limits", "mpirun", "ranks", "binding", "sandbox", "folder", "writing", "locking"}


def doctor(*words, status=OK, before="", **environment):
    """By name the checks, each a list of (state, found, remedy), of both outputs the same."""
    said = []
    for more in [], ["--json"]:
        command = ["bash", "-c", before + 'exec "$0" "$@"', BINARY, "doctor", *map(str, words), *more]
        process = subprocess.Popen(command, env=dict(os.environ, **environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said.append(finish(process).expect(status))
    people, machine = said[0].err.splitlines(), json.loads(said[1].out)
    checks = {}
    for c in machine["checks"]:
        check(bool(c["remedy"]) == (c["state"] != "ok"), c)
        checks.setdefault(c["name"], []).append((c["state"], c["found"], c["remedy"]))
    states = [c["state"] for c in machine["checks"]]
    check(machine["schema"] == 1 and machine["warnings"] == states.count("warn") and machine["failures"] == states.count("fail"), machine)
    check([line.split()[0] for line in people if line[:4].strip() in ("ok", "warn", "fail")] == states, f"{said[0]}\n{said[1]}")
    check((status == CONFIG) == ("fail" in states), said[1])
    return checks


@case("a machine that runs the tests is fit for jobs, and nothing is left behind")
def _(folder):
    checks = doctor(folder)
    check(set(checks) == NAMES, sorted(checks))
    for name in NAMES - {"memory", "sandbox", "folder", "cores", "writing"}:
        check([c[0] for c in checks[name]] == ["ok"], checks[name])
    check(folder in checks["folder"][0][1] and os.listdir(folder) == [], os.listdir(folder))
    check("HDF5 1." in checks["libraries"][0][1] and "Open MPI" in checks["libraries"][0][1] and "PCRE2 10" in checks["libraries"][0][1], checks)


@case("settings of mpirun that are missing")
def _(folder):
    lacking = "unset " + " ".join(name for name in os.environ if name.startswith("OMPI_")) + "; "
    checks = doctor(folder, before=lacking)
    if os.geteuid() == 0:
        check(any(c[0] == "warn" and "as root" in c[1] and "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" in c[2] for c in checks["ranks"]), checks["ranks"])
    check(checks["ranks"][-1][0] == "ok", checks["ranks"])
    if CORES > 1 and not any("places" in c[1] for c in checks["ranks"]):
        check(checks["binding"][0][0] == "warn" and "--bind-to none" in checks["binding"][0][2], checks["binding"])


@case("no mpirun, another mpirun, one that starts nothing")
def _(folder):
    os.makedirs(f"{folder}/bin")
    for tool in "bash", "grep":
        os.symlink(shutil.which(tool), f"{folder}/bin/{tool}")
    checks = doctor(folder, PATH=f"{folder}/bin")
    check(checks["mpirun"][0][0] == "warn" and "openmpi-bin" in checks["mpirun"][0][2] and "ranks" not in checks, checks)
    for text, name, words in [("echo 'mpirun (Open MPI) 9.0.1'", "mpirun", "but the program is built with"), ("echo HYDRA build details", "mpirun", "but the program is built with"),
                              (f"test $1 = --version && exec {shutil.which('mpirun')} --version; echo no such host; exit 1", "ranks", "status 1): no such host")]:
        with open(f"{folder}/bin/mpirun", "w") as f:
            f.write("#!/bin/sh\n" + text + "\n")
        os.chmod(f"{folder}/bin/mpirun", 0o755)
        checks = doctor(folder, status=CONFIG, PATH=f"{folder}/bin:{os.environ['PATH']}")
        check(checks[name][0][0] == "fail" and words in checks[name][0][1], checks)


@case("a processor that is held back, limits of the shell, folders that will not do")
def _(folder):
    check("RULEZERO_CPU forces" in doctor(folder, RULEZERO_CPU="portable")["processor"][0][1], "not seen")
    check(doctor(folder, status=CONFIG, RULEZERO_CPU="none-such")["processor"][0][0] == "fail", "not seen")
    found = [c[1] for c in doctor(folder, before="ulimit -S -n 200; ulimit -S -f 1000000; ulimit -S -t 5000; ")["limits"]]
    check([f.split(" is limited")[0] for f in found] == ["open files", "size of a file", "processor time"], found)
    for bad in f"{folder}/none", "/proc":
        rows = doctor(bad, status=CONFIG)
        check("fail" in [c[0] for name in ("folder", "writing") for c in rows.get(name, [])], rows)


@case("wrong words")
def _(folder):
    check("--json" in rulezero("doctor", "--jsn").expect(USAGE).sentence(), "no suggestion")
    rulezero("doctor", folder, "b").expect(USAGE, "'b' is not understood")
    rulezero("doctor", "--help").expect(OK, "example: ")


if __name__ == "__main__":
    main()
