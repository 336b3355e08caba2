"""What PyTorch makes of supervised pretraining: five steps of a small conv6 with batch norm, a linear layer on the pooled last
layer, softmax cross-entropy, SGD with momentum, decay on weights alone, and biases at twice the rate (paper, sections 3 and 5).

Writes test/golden/reference/classification.json; test/train/jobs/pretext-reference.test.ts compares. One seed draws everything.
"""

import base64
import json
from pathlib import Path

import torch
import torch.nn.functional as F

SEED = 20170311
SIDE, BATCH, CLASSES = 16, 4, 5
WIDTHS = [1, 2, 4, 4, 8, 8]  # conv6 at a width of 1/16
POOLS = {2, 3, 5}  # layers with a max pool before them
RATES = [0.1, 0.1, 0.05, 0.01, 0.01]
MOMENTUM, DECAY, BIAS_RATE = 0.9, 5e-3, 2
GRAY_MEAN = 0.4488


def numbers(tensor):
    """Nine digits bring a float32 back exactly."""
    return [float(f"{v:.9g}") for v in tensor.detach().flatten().tolist()]


def stored(weights):
    """In the layouts of our files: convolutions [height, width, in, out], linear layers [in, out]."""
    result = {}
    for name, w in weights.items():
        ours = w.permute(2, 3, 1, 0) if w.dim() == 4 else w.T if w.dim() == 2 else w
        result[name] = {"shape": list(ours.shape), "values": numbers(ours)}
    return result


def first_weights():
    weights, inputs = {}, 1
    for i, width in enumerate(WIDTHS, 1):
        weights[f"conv{i}/weight"] = torch.randn(width, inputs, 3, 3) / (3 * inputs**0.5)
        inputs = width
    weights["classifier/weight"] = torch.randn(CLASSES, inputs) / 2
    weights["classifier/bias"] = torch.randn(CLASSES) / 4
    return {name: w.requires_grad_() for name, w in weights.items()}


def logits_of(weights, gray):
    x = gray
    for i in range(1, len(WIDTHS) + 1):
        if i in POOLS:
            x = F.max_pool2d(x, 2)
        x = F.conv2d(x, weights[f"conv{i}/weight"], padding=1)
        x = F.relu(F.batch_norm(x, None, None, training=True, eps=1e-5))
    return F.linear(x.mean((2, 3)), weights["classifier/weight"], weights["classifier/bias"])


def main():
    torch.manual_seed(SEED)
    weights = first_weights()
    first = stored(weights)
    biases = [w for w in weights.values() if w.dim() == 1]
    others = [w for w in weights.values() if w.dim() > 1]
    optimizer = torch.optim.SGD(
        [{"params": others, "weight_decay": DECAY}, {"params": biases, "weight_decay": 0}],
        lr=RATES[0],
        momentum=MOMENTUM,
    )
    steps = []
    for rate in RATES:
        pixels = torch.randint(0, 256, (BATCH, SIDE, SIDE, 3), dtype=torch.uint8)
        labels = torch.randint(0, CLASSES, (BATCH,))
        gray = (pixels.float().mean(3) / 255 - GRAY_MEAN)[:, None]
        for group, factor in zip(optimizer.param_groups, (1, BIAS_RATE)):
            group["lr"] = rate * factor
        optimizer.zero_grad()
        logits = logits_of(weights, gray)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        steps.append(
            {
                "rate": rate,
                "pixels": base64.b64encode(pixels.numpy().tobytes()).decode(),
                "labels": labels.tolist(),
                "loss": loss.item(),
                "accuracy": (logits.argmax(1) == labels).float().mean().item(),
            }
        )
    golden = {
        "torch": torch.__version__.split("+")[0],
        "side": SIDE,
        "classes": CLASSES,
        "momentum": MOMENTUM,
        "weightDecay": DECAY,
        "biasRate": BIAS_RATE,
        "first": first,
        "steps": steps,
        "last": stored(weights),
    }
    target = Path(__file__).parents[2] / "test/golden/reference/classification.json"
    target.write_text(json.dumps(golden) + "\n")


main()
