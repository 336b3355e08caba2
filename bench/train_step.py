"""The network of bench/tiny-network.ts in PyTorch, eager, on the CPU. Driven by bench/train-step.ts over stdin and stdout.

One line in, one JSON line out: "steps N" trains N steps and answers {"cpu", "wall", "loss"}.
"""
import json
import sys
import time

started = time.process_time()
import numpy as np
import torch
import torch.nn.functional as F

folder, batch, threads, dropout = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
torch.set_num_threads(threads)
SIDE, LOCATIONS, BINS, POOL = 32, 32, 16, (False, True, True, False, True, False)
meta = json.load(open(f"{folder}/meta.json"))


def load(entry):
    kind = np.int32 if entry["type"] == "Int32Array" else np.float32
    return torch.from_numpy(np.fromfile(f"{folder}/{entry['file']}", kind).reshape(entry["shape"]).copy())


values = {e["name"]: load(e) for e in meta["variables"]}
batches = [{e["name"]: load(e) for e in b} for b in meta["batches"]]
for b in batches:
    b["x"] = b["x"].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    b["ys"], b["xs"] = b["ys"].long(), b["xs"].long()
params = {}
for name, v in values.items():
    if v.ndim == 4:
        v = v.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    elif v.ndim == 2:
        v = v.t().contiguous()
    params[name] = v.requires_grad_()
optimizer = torch.optim.SGD(
    [{"params": [p for p in params.values() if p.ndim > 1], "weight_decay": 5e-4},
     {"params": [p for p in params.values() if p.ndim == 1]}], lr=0.04, momentum=0.9)


def read(f, ys, xs):
    """As sparse_read of the tiny study: gathers rows, never makes an upsampled map."""
    n, h = len(ys), f.shape[2]
    st, img = SIDE // h, torch.arange(n)[:, None]
    flat = f.permute(0, 2, 3, 1).reshape(-1, f.shape[1])
    if st == 1:
        return flat.index_select(0, ((img * h + ys) * h + xs).reshape(-1))
    o = (st - 1) / 2
    u = ((ys - o) / st).clamp(0, h - 1 - 1e-4)
    v = ((xs - o) / st).clamp(0, h - 1 - 1e-4)
    y0, x0 = u.floor().long(), v.floor().long()
    fy, fx = (u - y0).reshape(-1, 1), (v - x0).reshape(-1, 1)
    base = (img * h + y0) * h + x0
    row = lambda k: flat.index_select(0, (base + k).reshape(-1))
    return (row(0) * (1 - fx) + row(1) * fx) * (1 - fy) + (row(h) * (1 - fx) + row(h + 1) * fx) * fy


def loss_of(b):
    x, columns = b["x"], []
    for k, pool in enumerate(POOL):
        if pool:
            x = F.max_pool2d(x, 2)
        x = F.conv2d(x, params[f"conv{k}/filter"], params[f"conv{k}/bias"], padding=1)
        x = F.relu(F.batch_norm(x, None, None, training=True, eps=1e-5))
        columns.append(read(x, b["ys"], b["xs"]))
    h = F.relu(F.linear(torch.cat(columns, 1), params["hidden/weights"], params["hidden/bias"]))
    if dropout:
        h = h * ((torch.rand_like(h) >= dropout).float() / (1 - dropout))
    z = F.linear(h, params["head/weights"], params["head/bias"])
    kl = lambda t, s: (t * ((t + 1e-9).log() - F.log_softmax(s, 1))).sum(1)
    return (b["hueWeight"] * kl(b["hue"], z[:, :BINS])).mean() + (b["chromaWeight"] * kl(b["chroma"], z[:, BINS:])).mean()


step = 0


def train(count):
    global step
    for _ in range(count):
        loss = loss_of(batches[step % len(batches)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        value, step = loss.item(), step + 1
    return value


def answer(**fields):
    print(json.dumps(fields), flush=True)


answer(ready=time.process_time() - started, compileMs=0, compileCpu=0)
for line in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    loss = train(int(line.split()[1]))
    answer(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall, loss=loss)
