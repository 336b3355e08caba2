"""Re-balancing a network without batch norm (paper, section 2.6), one layer after the other as it is defined there: measure a layer's
second moment behind ReLU, scale it to 1, and take the scale back in the layer above. Writes test/golden/reference/rebalance.json.

Weights and images are those of networks.py: the narrow VGG-16. The network here is computed in float64.
"""

import json
import pathlib

import torch.nn.functional as F

from networks import NETWORKS, images, kept, kept_maps, state

TARGET = pathlib.Path(__file__).parents[2] / "test/golden/reference/rebalance.json"
NETWORK = NETWORKS["vgg16"]


def modules():
    """Names of the layers from the bottom to the top; the classifier is the last."""
    convolutions = [f"features.{at}" for at, _, _ in NETWORK.modules() if at is not None]
    return [*convolutions, *(f"classifier.{k}" for k in NETWORK.connected)]


def moments(w):
    return [float(maps.pow(2).mean()) for maps in NETWORK.layers_of(images(7).double(), w, False)]


def logits(w):
    top = NETWORK.layers_of(images(7).double(), w, False)[-1].mean((2, 3))
    return F.linear(top, w[f"{NETWORK.classifier}.weight"], w[f"{NETWORK.classifier}.bias"])


def rebalance(w):
    w = dict(w)
    names = modules()
    for k, name in enumerate(names):
        m = moments(w)[k] ** -0.5
        w[f"{name}.weight"], w[f"{name}.bias"] = w[f"{name}.weight"] * m, w[f"{name}.bias"] * m
        if k + 1 < len(names):
            w[f"{names[k + 1]}.weight"] = w[f"{names[k + 1]}.weight"] / m
    return w


if __name__ == "__main__":
    before = {name: value.double() for name, value in state(NETWORK.shapes()).items()}
    after = rebalance(before)
    # The scale of the top is the classifier's to take back; its bias is scaled with the logits.
    scale = float(after["classifier.3.bias"][0] / before["classifier.3.bias"][0])
    after[f"{NETWORK.classifier}.bias"] = before[f"{NETWORK.classifier}.bias"] * scale
    golden = {
        "moments": {"before": moments(before), "after": moments(after)},
        "weights": {name: kept(value) for name, value in after.items()},
        "top": kept_maps(NETWORK.layers_of(images(7).double(), after, False)[-1]),
        "logits": {"before": kept(logits(before)), "after": kept(logits(after)), "scale": scale},
    }
    rounded = json.loads(json.dumps(golden), parse_float=lambda text: float(f"{float(text):.9g}"))
    TARGET.write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
