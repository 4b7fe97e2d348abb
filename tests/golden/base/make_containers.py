#!/usr/bin/env python3
"""Small model files as the Python packages safetensors and gguf write them: tests/golden/base/small.safetensors, small.gguf. Run it from the root of the
repository (needs numpy, safetensors, gguf; made with safetensors 0.8.0, gguf 0.19.0). tests/test_safetensors.c and tests/test_gguf.c know what is in them."""
import json
import struct

import gguf
import numpy as np
from safetensors.numpy import save_file

FOLDER = "tests/golden/base/"


def sample(shape, start=0.0):
    return (np.arange(np.prod(shape, dtype=int), dtype=np.float32) + start).reshape(shape) / 4


def write_safetensors():
    tensors = {"a.weight": sample((3, 5)), "b.half": sample((2, 2), -8).astype(np.float16), "ids": np.arange(4, dtype=np.int64), "empty": sample((0, 7)),
               "scalar": np.array(2.5, dtype=np.float32)}
    save_file(tensors, FOLDER + "small.safetensors", metadata={"format": "pt"})


def write_gguf():
    w = gguf.GGUFWriter(FOLDER + "small.gguf", "llama")
    w.add_name("small")
    for name, value in (("uint8", 200), ("int8", -100), ("uint16", 60000), ("int16", -30000), ("uint32", 4000000000), ("int32", -2000000000),
                        ("uint64", 2**63), ("int64", -(2**62)), ("float32", 0.1), ("float64", 0.1), ("bool", True)):
        getattr(w, "add_" + name)("t." + name, value)
    w.add_token_list([b"<s>", b"", b"h\xc3\xa9", b"\xff\x00z"])
    w.add_token_scores([0.0, -1.5, 2.25, 1e30])
    w.add_token_types([3, 1, 1, 6])
    w.add_array("t.truths", [True, False, True])
    w.add_tensor("m.weight", sample((2, 3)))
    w.add_tensor("h", sample((5,), -2).astype(np.float16))
    w.add_tensor("q", gguf.quants.quantize(sample((2, 32)), gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    w.add_tensor("b", gguf.quants.quantize(sample((3, 2), 1), gguf.GGMLQuantizationType.BF16), raw_dtype=gguf.GGMLQuantizationType.BF16)
    w.add_tensor("ids", np.arange(3, dtype=np.int32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


write_safetensors()
write_gguf()
