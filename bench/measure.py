"""Runs a program for its figures: one core, nothing beside it where the system allows that; and tells what kind of processor it ran on."""
import os
import platform
import re
import subprocess
import tempfile
import time

BINARY = os.environ.get("RULEZERO", "build/rulezero")


def environment():
    """One thread, nothing fetched, and no setting of this machine that holds a library back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS_", "OMP_", "MKL_"))}
    ranks = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.getuid() == 0 else {}
    return dict(kept, OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="", **ranks)


def take_cores(cores):
    """In the child: pinned, and before other processes on these cores where the system allows it. Not by a real-time class: that is stopped for a twentieth of every second."""
    os.sched_setaffinity(0, cores)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    except PermissionError:
        pass


def call(words, cores):
    """Standard output, wall seconds, largest resident memory (MiB)."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(words, stdout=out, stderr=err, env=environment(), preexec_fn=lambda: take_cores(cores))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)}\nended with {process.returncode}: {err.read()[-2000:]}")
        return out.read(), time.monotonic() - start, usage.ru_maxrss / 1024


KINDS = [("AuthenticAMD", 25, range(0x10, 0x20), "zen4"), ("AuthenticAMD", 25, range(0x60, 0x80), "zen4"), ("AuthenticAMD", 25, range(0xa0, 0xb0), "zen4"),
         ("AuthenticAMD", 25, range(0x100), "zen3"), ("AuthenticAMD", 26, range(0x100), "zen5"), ("AuthenticAMD", 23, range(0x30, 0x100), "zen2"),
         ("GenuineIntel", 6, [0x6a, 0x6c], "icelake"), ("GenuineIntel", 6, [0x8f], "sapphirerapids"), ("GenuineIntel", 6, [0xcf], "emeraldrapids"),
         ("GenuineIntel", 6, [0xad, 0xae], "graniterapids"), ("GenuineIntel", 6, [0x55], "skylake")]


def cpu():
    """The processor's name as it gives it, and its kind."""
    told = {}
    if os.path.exists("/proc/cpuinfo"):
        told = dict(re.findall(r"^(.+?)\s*: (.*)$", open("/proc/cpuinfo").read().split("\n\n")[0], re.M))
    name, vendor, family, model = (told.get(key, "0") for key in ("model name", "vendor_id", "cpu family", "model"))
    kind = next((k for v, f, models, k in KINDS if v == vendor and f == int(family) and int(model) in models), None)
    return name if name != "0" else platform.machine(), kind or f"{platform.machine()}-{family}-{model}"
