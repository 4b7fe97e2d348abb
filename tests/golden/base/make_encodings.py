#!/usr/bin/env python3
"""Blocks of weights decoded, and floats encoded, by the Python package gguf (ggml's own reference): tests/golden/base/encodings.json.

    python3 tests/golden/base/make_encodings.py > tests/golden/base/encodings.json      (needs numpy and gguf; made with gguf 0.19.0)

All bytes are hexadecimal, floats as their four bytes, little-endian. "decode": blocks -> floats; "encode": floats -> blocks.
"""
import json
import sys
import warnings

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

warnings.filterwarnings("ignore")
random = np.random.default_rng(20240607)

# Scales of the first blocks: zeros, subnormals, extremes, what is not finite. Those that follow are as weights have them, then any bytes.
EDGES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E01, 0x3C00, 0xBC01]
# Type, bytes of a block, where its 16-bit scales are, number of blocks.
DECODED = [(Type.Q4_0, 18, [0], 32), (Type.Q4_1, 20, [0, 2], 32), (Type.Q5_0, 22, [0], 32), (Type.Q5_1, 24, [0, 2], 32), (Type.Q8_0, 34, [0], 32),
           (Type.Q4_K, 144, [0, 2], 10), (Type.Q5_K, 176, [0, 2], 10), (Type.Q6_K, 210, [208], 10)]


def decode_case(type_, size, scales, n):
    blocks = random.integers(0, 256, (n, size), dtype=np.uint8)
    edges = EDGES[: n // 2]
    for i in range(n):
        for k, at in enumerate(scales):
            if i < len(edges):
                bits = np.uint16(edges[(i + 5 * k) % len(edges)])
            elif i < n - 2:
                bits = np.float16(random.normal() * 0.01).view(np.uint16)
            else:
                continue
            blocks[i, at : at + 2] = np.array([bits], dtype="<u2").view(np.uint8)
    floats = quants.dequantize(blocks, type_).astype("<f4")
    return {"type": type_.name, "blocks": blocks.tobytes().hex(), "floats": floats.tobytes().hex()}


def encode_case(type_):
    rows = [random.normal(size=32) * scale for scale in (1e-30, 1e-7, 1e-5, 0.01, 1, 300, 1e6, 1e9)]
    rows += [np.zeros(32), -np.zeros(32), (np.arange(32) - 16) * 0.5 / 127, np.append(np.arange(31) - 15.5, 127), np.append(np.arange(31) + 0.5, -127)]
    rows += [np.append(random.integers(-127, 127, 31) + 0.5, 127) for _ in range(4)]
    floats = np.array(rows, dtype="<f4")
    blocks = quants.quantize(floats, type_)
    return {"type": type_.name, "floats": floats.tobytes().hex(), "blocks": np.ascontiguousarray(blocks).tobytes().hex()}


json.dump({"decode": [decode_case(*row) for row in DECODED], "encode": [encode_case(t) for t in (Type.F32, Type.F16, Type.BF16, Type.Q8_0)]},
          sys.stdout, indent=0)
print()
