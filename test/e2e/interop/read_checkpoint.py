"""Opens the safetensors files of a checkpoint with the reference implementation, and with PyTorch where it is there."""
import json
import sys

import safetensors.numpy

try:
    import safetensors.torch
    import torch
except ImportError:
    torch = None

answer = {"torch": torch is not None, "tensors": {}, "same": {}}
for path in sys.argv[1:]:
    tensors = safetensors.numpy.load_file(path)
    for name, tensor in tensors.items():
        answer["tensors"][name] = {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}
    if torch is not None:
        opened = safetensors.torch.load_file(path)
        assert {n: t.numpy().tolist() for n, t in opened.items()} == {n: t.tolist() for n, t in tensors.items()}
    with open(path, "rb") as file:
        answer["same"][path.split("/")[-1]] = safetensors.numpy.save(tensors) == file.read()
print(json.dumps(answer))
