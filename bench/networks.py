"""A training step of a declared network in PyTorch, eager, on the CPU; driven by bench/networks.ts over stdin and stdout.

    python bench/networks.py FOLDER THREADS STEPS default|channels-last

meta.json in FOLDER has the network as src/model/network.ts declares it, the settings of its objective, and the files of weights and
batches. One line in, one line of JSON out, as bench/networks-arm.ts; both compute the same losses.
"""
import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

folder, threads, steps, layout = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(threads)
torch.manual_seed(1)
FORMAT = {"default": torch.contiguous_format, "channels-last": torch.channels_last}[layout]
meta = json.load(open(f"{folder}/meta.json"))
network, settings = meta["network"], meta["settings"]
RATE, MOMENTUM, DECAY = 1e-3, 0.9, 5e-4


def load(entry):
    kind = np.int32 if entry["type"] == "Int32Array" else np.float32
    return torch.from_numpy(np.fromfile(f"{folder}/{entry['file']}", kind).reshape(entry["shape"]))


def to_torch(weight):
    """[height, width, in, out] and [in, out] become [out, in, height, width] and [out, in]."""
    if weight.ndim == 4:
        return weight.permute(3, 2, 0, 1).contiguous(memory_format=FORMAT)
    return weight.t().contiguous() if weight.ndim == 2 else weight.clone()


params = {e["name"]: to_torch(load(e)).requires_grad_() for e in meta["weights"]}
batches = [{e["name"]: load(e) for e in batch} for batch in meta["batches"]]
for batch in batches:
    batch["images"] = batch["images"].permute(0, 3, 1, 2).contiguous(memory_format=FORMAT)
    batch.update({k: v.long() for k, v in batch.items() if v.dtype == torch.int32})
optimizer = torch.optim.SGD(
    [{"params": [p for p in params.values() if p.ndim > 1], "weight_decay": DECAY},
     {"params": [p for p in params.values() if p.ndim == 1], "weight_decay": 0}], lr=RATE, momentum=MOMENTUM)


def sides(size, window):
    """Pixels before and after, as TensorFlow's SAME or as PyTorch's numbers."""
    if window["padding"] != "same":
        return window["padding"], window["padding"]
    kernel, stride = window["kernel"], window["stride"]
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def padded(x, window):
    """The map and the padding that is left for the operation itself: what is alike on both sides needs no copy."""
    (top, bottom), (left, right) = sides(x.shape[2], window), sides(x.shape[3], window)
    if top == bottom and left == right:
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom)), 0


def convolve(x, unit):
    name = unit["name"]
    x, padding = padded(x, unit)
    x = F.conv2d(x, params[f"{name}/weight"], params.get(f"{name}/bias"), unit["stride"], padding, groups=unit["groups"])
    if unit["batchNorm"] == "none":
        return x
    return F.batch_norm(x, None, None, params.get(f"{name}/gamma"), params.get(f"{name}/beta"), training=True, eps=1e-5)


def convolution(x, layer):
    return F.relu_(convolve(x, layer))


def max_pool(x, layer):
    x, padding = padded(x, layer)
    return F.max_pool2d(x, layer["kernel"], layer["stride"], padding)


def residual(x, layer):
    beside = convolve(x, layer["projection"]) if layer["projection"] else x
    for k, unit in enumerate(layer["branch"]):
        x = convolve(x if k == 0 else F.relu_(x), unit)
    return F.relu_(x + beside)


LAYERS = {"convolution": convolution, "max-pool": max_pool, "residual": residual}


def encode(x):
    maps = {"input": x}
    for layer in network["layers"]:
        x = maps[layer["name"]] = LAYERS[layer["kind"]](x, layer)
    return [(maps[place["name"]], place) for place in meta["places"]]


def read(layer, ys, xs):
    """Bilinear at places by gathering rows; no upsampled map is ever made."""
    maps, place = layer
    n, c, h, w = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(-1, c)
    first = torch.arange(n).repeat_interleave(len(ys) // n) * (h * w)
    if place["stride"] == 1:
        return rows.index_select(0, first + ys * w + xs)

    def between(pixels, cells):
        u = ((pixels - place["offset"]) / place["stride"]).clamp(0, cells - 1)
        cell = u.floor().long()
        return cell, (cell + 1).clamp(max=cells - 1), u - u.floor()

    (y0, y1, fy), (x0, x1, fx) = between(ys, h), between(xs, w)
    corner = lambda y, x, share: rows.index_select(0, first + y * w + x) * share[:, None]
    return (corner(y0, x0, (1 - fy) * (1 - fx)) + corner(y0, x1, (1 - fy) * fx)
            + corner(y1, x0, fy * (1 - fx)) + corner(y1, x1, fy * fx))


def linear(x, name):
    return F.linear(x, params[f"{name}/weight"], params[f"{name}/bias"])


def classify(layers, batch):
    pooled = layers[-1][0].mean((2, 3))
    return F.cross_entropy(linear(pooled, "classifier"), batch["labels"])


def colorize(layers, batch):
    columns = torch.cat([read(layer, batch["ys"], batch["xs"]) for layer in layers], 1)
    hidden = F.relu_(linear(columns, "head/hidden"))

    def term(name):
        target, logits = batch[name], linear(hidden, f"head/{name}")
        divergence = (target * (target.clamp(min=1e-9).log() - F.log_softmax(logits, 1))).sum(1)
        return (batch[f"{name}Weights"] * divergence).mean()

    return term("chroma") + settings["hueWeight"] * term("hue")


LOSSES = {"classify": classify, "colorize": colorize}


def step(batch):
    loss = LOSSES[settings["kind"]](encode(batch["images"]), batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def peak_bytes():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024


start_peak, done, first_loss = peak_bytes(), 0, None
open("/proc/self/clear_refs", "w").write("5")
for line in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(steps):
        loss = step(batches[done % len(batches)])
        first_loss, done = loss if first_loss is None else first_loss, done + 1
    print(json.dumps({
        "images": steps * meta["batch"], "wallSeconds": time.perf_counter() - wall, "cpuSeconds": time.process_time() - cpu,
        "peakBytes": peak_bytes(), "says": {"firstLoss": first_loss, "loss": loss, "startPeakBytes": start_peak}}), flush=True)
