"""What PyTorch says of the networks and of the operations in them: writes test/golden/reference/networks.json.

    node scripts/reference.ts networks

Weights and images are no files: both sides compute them by the same rule (`numbers`, `state`). Networks are torchvision's, narrower
and with fewer layers, under torchvision's names.
Of large tensors, 64 values at even distances are kept.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
TARGET = pathlib.Path(__file__).parents[2] / "test/golden/reference/networks.json"
KEPT = 64
SIDE, BATCH, CLASSES, STEPS = 64, 6, 5, 5


def numbers(size, seed, deviation):
    """As `pseudoRandom` in test/support/engine.ts."""
    k = np.arange(size, dtype=np.float64)
    v = np.sin(k * 12.9898 + seed * 78.233) * 43758.5453
    return ((v - np.floor(v) - 0.5) * math.sqrt(12) * deviation).astype(np.float32)


def tensor(shape, seed, deviation):
    return torch.from_numpy(numbers(math.prod(shape), seed, deviation).reshape(shape))


def images(seed, channels=3, batch=BATCH, side=SIDE):
    """Drawn as [N, H, W, C], the layout of ours."""
    return tensor([batch, side, side, channels], seed, 0.25).permute(0, 3, 1, 2).contiguous()


def kept(values):
    flat = values.detach().double().flatten()
    step = max(1, math.ceil(flat.numel() / KEPT))
    return [float(v) for v in flat[::step]]


def kept_maps(maps):
    return kept(maps.permute(0, 2, 3, 1).contiguous())


def state(shapes):
    """First weights by name: the place of a name in the sorted list is its seed."""
    drawn = {}
    for seed, name in enumerate(sorted(shapes)):
        shape = shapes[name]
        if len(shape) > 1:
            drawn[name] = tensor(shape, seed, math.sqrt(2 / math.prod(shape[1:])))
        elif name.endswith("running_var"):
            drawn[name] = 1 + tensor(shape, seed, 0.3)
        elif name.endswith(".weight"):
            drawn[name] = 1 + tensor(shape, seed, 0.2)
        else:
            drawn[name] = tensor(shape, seed, 0.1)
    return drawn


def same(x, kernel, stride):
    """What TensorFlow's SAME pads."""
    pads = []
    for size in (x.shape[3], x.shape[2]):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return pads


def convolve(x, w, b=None, stride=1, groups=1):
    return F.conv2d(F.pad(x, same(x, w.shape[2], stride)), w, b, stride, groups=groups)


def pool(x, kernel, stride):
    return F.max_pool2d(F.pad(x, same(x, kernel, stride), value=-math.inf), kernel, stride)


def norm(x, w, module, train):
    stats = (None, None) if train else (w[f"{module}.running_mean"], w[f"{module}.running_var"])
    return F.batch_norm(x, *stats, w[f"{module}.weight"], w[f"{module}.bias"], training=train, eps=1e-5)


class Chain:
    """VGG-16 and AlexNet: (width, kernel, stride, groups), or a pool (kernel, stride); then fc6 and fc7 as convolutions."""

    def __init__(self, layers, connected, fc_kernel, fc_width, has_norm):
        self.layers, self.connected, self.has_norm = layers, connected, has_norm
        self.fc_kernel, self.fc_width = fc_kernel, fc_width

    def modules(self):
        at, inputs = 0, 3
        for layer in self.layers:
            if len(layer) == 2:
                yield None, layer, inputs
                at += 1
            else:
                yield at, layer, inputs
                inputs = layer[0]
                at += 3 if self.has_norm else 2

    def shapes(self):
        shapes, last = {}, 3
        for at, layer, inputs in self.modules():
            if at is None:
                continue
            width, kernel, _, groups = layer
            shapes[f"features.{at}.weight"] = [width, inputs // groups, kernel, kernel]
            shapes[f"features.{at}.bias"] = [width]
            last = width
            if self.has_norm:
                for what in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"features.{at + 1}.{what}"] = [width]
        wide = self.fc_width
        for module, size in zip(self.connected, (last * self.fc_kernel**2, wide)):
            shapes[f"classifier.{module}.weight"] = [wide, size]
            shapes[f"classifier.{module}.bias"] = [wide]
        shapes["classifier.6.weight"] = [CLASSES, wide]
        shapes["classifier.6.bias"] = [CLASSES]
        return shapes

    classifier = "classifier.6"

    def layers_of(self, x, w, train):
        read = []
        for at, layer, _ in self.modules():
            if at is None:
                x = pool(x, *layer)
                continue
            name = f"features.{at}"
            x = convolve(x, w[f"{name}.weight"], w[f"{name}.bias"], layer[2], layer[3])
            if self.has_norm:
                x = norm(x, w, f"features.{at + 1}", train)
            x = F.relu(x)
            read.append(x)
        for module, kernel in zip(self.connected, (self.fc_kernel, 1)):
            name = f"classifier.{module}"
            flat = w[f"{name}.weight"]
            kernels = flat.view(flat.shape[0], x.shape[1], kernel, kernel)
            x = F.relu(convolve(x, kernels, w[f"{name}.bias"]))
            read.append(x)
        return read


class ResNet:
    """Bottleneck blocks; `stride` says which convolution of a stage's first block has it."""

    classifier = "fc"

    def __init__(self, blocks, first, stride):
        self.blocks, self.first, self.stride = blocks, first, stride

    def units(self):
        inputs = self.first
        for stage, count in enumerate(self.blocks):
            inner = self.first * 2**stage
            for block in range(count):
                step = 2 if stage > 0 and block == 0 else 1
                yield f"layer{stage + 1}.{block}", inputs, inner, step, block == 0
                inputs = 4 * inner

    def shapes(self):
        shapes = {"conv1.weight": [self.first, 3, 7, 7]}
        norms = {"bn1": self.first}
        for prefix, inputs, inner, _, first in self.units():
            shapes[f"{prefix}.conv1.weight"] = [inner, inputs, 1, 1]
            shapes[f"{prefix}.conv2.weight"] = [inner, inner, 3, 3]
            shapes[f"{prefix}.conv3.weight"] = [4 * inner, inner, 1, 1]
            norms |= {f"{prefix}.bn1": inner, f"{prefix}.bn2": inner, f"{prefix}.bn3": 4 * inner}
            if first:
                shapes[f"{prefix}.downsample.0.weight"] = [4 * inner, inputs, 1, 1]
                norms[f"{prefix}.downsample.1"] = 4 * inner
            last = 4 * inner
        for name, width in norms.items():
            for what in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{name}.{what}"] = [width]
        return shapes | {"fc.weight": [CLASSES, last], "fc.bias": [CLASSES]}

    def layers_of(self, x, w, train):
        x = F.relu(norm(F.conv2d(x, w["conv1.weight"], None, 2, 3), w, "bn1", train))
        read = [x]
        x = F.max_pool2d(x, 3, 2, 1)
        for prefix, _, _, step, first in self.units():
            steps = {"1x1": (step, 1), "3x3": (1, step)}[self.stride]
            y = F.relu(norm(F.conv2d(x, w[f"{prefix}.conv1.weight"], None, steps[0]), w, f"{prefix}.bn1", train))
            y = F.relu(norm(F.conv2d(y, w[f"{prefix}.conv2.weight"], None, steps[1], 1), w, f"{prefix}.bn2", train))
            y = norm(F.conv2d(y, w[f"{prefix}.conv3.weight"]), w, f"{prefix}.bn3", train)
            if first:
                x = norm(F.conv2d(x, w[f"{prefix}.downsample.0.weight"], None, step), w, f"{prefix}.downsample.1", train)
            x = F.relu(x + y)
            read.append(x)
        return read


def vgg(has_norm):
    widths = (2, 4, 8, 16, 16)  # a 32nd of the width, half of the depth
    layers = [layer for count, wide in zip((1, 1, 2, 2, 2), widths) for layer in [(wide, 3, 1, 1)] * count + [(2, 2)]]
    return Chain(layers, (0, 3), 7, 128, has_norm)


NETWORKS = {
    "vgg16": vgg(False),
    "vgg16_bn": vgg(True),
    # A 32nd of the width, in whole groups of two.
    "alexnet": Chain(
        [(2, 11, 4, 1), (3, 2), (6, 5, 1, 1), (3, 2), (12, 3, 1, 1), (8, 3, 1, 1), (8, 3, 1, 1), (3, 2)], (1, 4), 6, 128, False
    ),
    # Caffe's, which the paper uses, under torchvision's names.
    "alexnet-caffe": Chain(
        [(4, 11, 4, 1), (3, 2), (8, 5, 1, 2), (3, 2), (12, 3, 1, 1), (12, 3, 1, 2), (8, 3, 1, 2), (3, 2)], (1, 4), 6, 128, False
    ),
    # A 16th of the width, a quarter of the depth.
    "resnet50": ResNet((1, 1, 2, 1), 4, "3x3"),
    "resnet50-caffe": ResNet((1, 1, 2, 1), 4, "1x1"),
    "resnet101": ResNet((1, 1, 6, 1), 4, "3x3"),
}


# Rate and steps. The deeper one amplifies rounding: at 0.01 PyTorch in float32 and in float64 are 10 % apart after four steps.
TRAINING = {"resnet101": (0.001, 2)}


def train(network, w, rate, steps):
    """Some steps of SGD on a linear classifier over the mean of the last map, with the batch's own statistics."""
    moved = {name: value.clone().requires_grad_() for name, value in w.items() if "running" not in name}
    groups = [
        {"params": [v for v in moved.values() if v.ndim > 1], "weight_decay": 5e-4},
        {"params": [v for v in moved.values() if v.ndim == 1], "weight_decay": 0},
    ]
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9)
    labels = torch.arange(BATCH) % CLASSES
    losses = []
    for step in range(steps):
        pooled = network.layers_of(images(100 + step), w | moved, True)[-1].mean((2, 3))
        logits = F.linear(pooled, moved[f"{network.classifier}.weight"], moved[f"{network.classifier}.bias"])
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return {"rate": rate, "losses": losses, "weights": {name: kept(value) for name, value in moved.items()}}


def describe(name, network):
    w = state(network.shapes())
    return {
        "shapes": network.shapes(),
        "measured": [kept_maps(maps) for maps in network.layers_of(images(7), w, False)],
        "batch": [kept_maps(maps) for maps in network.layers_of(images(7), w, True)],
        "trained": train(network, w, *TRAINING.get(name, (0.01, STEPS))),
    }


def with_gradients(compute, *inputs):
    """An operation's output, and the gradients of the sum of its cubes (that of squares is constant behind batch norm)."""
    inputs = [value.double().requires_grad_() for value in inputs]
    y = compute(*inputs)
    y.pow(3).sum().backward()
    return {"output": kept_maps(y), "gradients": [kept_maps(inputs[0].grad), *[kept(v.grad) for v in inputs[1:]]]}


def operations():
    x = images(11, channels=8, batch=2, side=9)
    # PyTorch divides alpha by the size of the window; the paper's 2e-5 is Caffe's 1e-4 / 5. A larger one shows more.
    lrn = lambda alpha: lambda v: F.local_response_norm(v, 5, alpha=alpha * 5, beta=0.75, k=1.0)
    return {
        "lrn": with_gradients(lrn(2e-5), x),
        "lrn-strong": with_gradients(lrn(0.5), x),
        "grouped": with_gradients(lambda v, w: convolve(v, w, groups=2), x, tensor([6, 4, 3, 3], 12, 0.3)),
        "batch-norm": with_gradients(
            lambda v, g, b: F.batch_norm(v, None, None, g, b, True, eps=1e-5), x, 1 + tensor([8], 13, 0.2), tensor([8], 14, 0.2)
        ),
        "batch-norm-free": with_gradients(lambda v: F.batch_norm(v, None, None, None, None, True, eps=1e-5), x),
    }


def running(steps=12, ramp=8, decay=0.999):
    """Averages whose decay rises from 0 to its last value; the variance is that of the values as they are."""
    mean, variance = torch.zeros(4), torch.ones(4)
    for step in range(steps):
        x = images(50 + step, channels=4, batch=3, side=6) * (1 + step / 10) + step / 20
        d = decay * min(1, step / ramp)
        mean = d * mean + (1 - d) * x.mean((0, 2, 3))
        variance = d * variance + (1 - d) * x.var((0, 2, 3), unbiased=False)
    return {"steps": steps, "ramp": ramp, "decay": decay, "mean": kept(mean), "variance": kept(variance)}


def hypercolumn():
    """Layers read at pixels by bilinear interpolation between their cells' centres, in float64, cell by cell."""
    cases = []
    for stride, offset, side in ((1, 0, 12), (2, 0.5, 6), (4, 1.5, 3), (4, 0, 3), (4, 2, 3), (8, 6, 2)):
        maps = tensor([2, side, side, 3], stride + 20, 1).double().numpy()
        out = np.zeros((2, 12, 12, 3))
        for y in range(12):
            for x in range(12):
                u, v = (min(max((p - offset) / stride, 0), side - 1) for p in (y, x))
                a, b = int(u), int(v)
                c, d = min(a + 1, side - 1), min(b + 1, side - 1)
                p, q = u - a, v - b
                out[:, y, x] = (1 - p) * ((1 - q) * maps[:, a, b] + q * maps[:, a, d]) + p * ((1 - q) * maps[:, c, b] + q * maps[:, c, d])
        cases.append({"stride": stride, "offset": offset, "side": side, "output": kept(torch.from_numpy(out))})
    return cases


if __name__ == "__main__":
    golden = {
        "networks": {name: describe(name, network) for name, network in NETWORKS.items()},
        "operations": operations(),
        "running": running(),
        "hypercolumn": hypercolumn(),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    rounded = json.loads(json.dumps(golden), parse_float=lambda text: float(f"{float(text):.9g}"))
    TARGET.write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
