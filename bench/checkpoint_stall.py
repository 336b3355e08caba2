"""The PyTorch side of checkpoint-stall.ts: saves a dictionary of tensors when told to, and opens a safetensors file."""
import json
import sys
import time

import torch
from safetensors.torch import load_file

megabytes, path = float(sys.argv[1]), sys.argv[2]
length = int(megabytes * 1e6 / 4 / 80)
state = {
    "model": {f"w{i}": torch.full((length,), float(i)) for i in range(40)},
    "optimizer": {f"w{i}/momentum": torch.full((length,), 0.5) for i in range(40)},
}
for line in sys.stdin:
    word, *rest = line.split()
    if word == "save":
        wall, cpu = time.perf_counter(), time.process_time()
        torch.save(state, path)
        answer = {
            "stallMs": (time.perf_counter() - wall) * 1e3,
            "cpuSeconds": time.process_time() - cpu,
        }
    else:
        tensors = load_file(rest[0])
        answer = {"sum": sum(float(t.double().sum()) for t in tensors.values())}
    print(json.dumps(answer), flush=True)
