"""Puts the peers into a folder: a virtual environment with PyTorch, transformers and TRL, llama.cpp built for this processor (from the source that
llama-cpp-python carries), models with random weights. What is there is left as it is; delete a part to have it made anew."""
import glob
import os
import re
import subprocess
import sys

PACKAGES = ["torch", "transformers", "trl", "datasets", "gguf", "numpy"]
HERE = os.path.dirname(os.path.abspath(__file__))
NO_EXTRAS = [f"-DLLAMA_BUILD_{part}=OFF" for part in ("SERVER", "APP", "TESTS", "EXAMPLES")] + ["-DLLAMA_OPENSSL=OFF", "-DBUILD_SHARED_LIBS=OFF"]


def do(*words):
    print("+", *words, file=sys.stderr, flush=True)
    subprocess.run(words, check=True, stdout=sys.stderr)


class Peers:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.python = f"{self.folder}/venv/bin/python"
        self.llama = f"{self.folder}/llama/build/bin/llama-batched-bench"
        self.models = f"{self.folder}/models"

    def install(self, shapes, llama, jobs):
        """Of llama.cpp and the models what is asked for. `jobs` processes compile at a time."""
        os.makedirs(self.folder, exist_ok=True)
        self.install_python()
        if llama:
            self.install_llama(jobs)
        missing = [s for s in shapes if not all(os.path.exists(f"{self.models}/{s}{end}") for end in ("/config.json", "-f32.gguf", "-bf16.gguf"))]
        if missing:
            do(self.python, f"{HERE}/models.py", self.models, *missing)

    def install_python(self):
        if not os.path.exists(self.python):
            do(sys.executable, "-m", "venv", f"{self.folder}/venv")
        has = f"import importlib.util, sys; sys.exit(any(importlib.util.find_spec(name) is None for name in {PACKAGES}))"
        if subprocess.run([self.python, "-c", has]).returncode:
            do(self.python, "-m", "pip", "install", "-q", *PACKAGES)

    def install_llama(self, jobs):
        if os.path.exists(self.llama):
            return
        source = f"{self.folder}/llama/src"
        if not os.path.exists(f"{source}/vendor"):
            do(self.python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", f"{self.folder}/src", "llama-cpp-python")
            os.makedirs(source, exist_ok=True)
            do("tar", "-xzf", self.llama_package(), "--strip-components=1", "-C", source)
        build = f"{self.folder}/llama/build"
        do("cmake", "-S", f"{source}/vendor/llama.cpp", "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", *NO_EXTRAS)
        do("nice", "-n", "19", "cmake", "--build", build, "-j", str(jobs), "--target", "llama-batched-bench")

    def llama_package(self):
        return max(glob.glob(f"{self.folder}/src/llama_cpp_python-*.tar.gz"), default=None)

    def versions(self):
        ask = "import importlib.metadata as m; print(*[f'{name} {m.version(name)}' for name in ('torch', 'transformers', 'trl')], sep=', ')"
        told = subprocess.run([self.python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        llama = re.search(r"python-(.*).tar", self.llama_package() or "")
        return told + (f", llama.cpp of llama-cpp-python {llama[1]}" if llama else "")
