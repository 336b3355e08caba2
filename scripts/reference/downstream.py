"""What PyTorch and NumPy make of the downstream tasks: losses with gradients, dense inference, and scores.

Writes test/golden/reference/downstream.json; test/train/reference.test.ts compares. Everything is drawn from one seed.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SEED = 20170311
VOID = 255


def numbers(values):
    """Nine digits bring a float32 back exactly."""
    flat = torch.as_tensor(values).detach().flatten().tolist()
    return [float(f"{v:.9g}") for v in flat]


def tensor(values):
    t = torch.as_tensor(values).detach()
    return {"shape": list(t.shape), "values": numbers(t)}


def segmentation_loss():
    """Softmax cross-entropy with void places ignored, mean over the others (paper, section 4.3)."""
    places, classes = 24, 5
    logits = (3 * torch.randn(places, classes)).requires_grad_()
    labels = torch.randint(0, classes, (places,))
    labels[::5] = VOID
    loss = F.cross_entropy(logits, labels, ignore_index=VOID)
    loss.backward()
    return {
        "logits": tensor(logits),
        "labels": labels.tolist(),
        "loss": loss.item(),
        "gradient": tensor(logits.grad),
    }


def sigmoid_loss():
    """Binary cross-entropy per class, unknown ones masked, summed over classes, mean over images (paper, section 4.2)."""
    images, classes = 6, 7
    logits = (3 * torch.randn(images, classes))
    logits[0, :3] = 0  # where classifiers start
    logits.requires_grad_()
    marks = torch.randint(0, 2, (images, classes)).float()
    known = (torch.rand(images, classes) > 0.2).float()
    each = F.binary_cross_entropy_with_logits(logits, marks, reduction="none")
    loss = (each * known).sum(1).mean()
    loss.backward()
    return {
        "logits": tensor(logits),
        "targets": tensor(marks),
        "weights": tensor(known),
        "loss": loss.item(),
        "gradient": tensor(logits.grad),
    }


def to_grid(maps, grid):
    """Nearest for layers finer than the grid, bilinear for coarser ones; half-pixel centres."""
    finer = maps.shape[2] > grid[0]
    if finer:
        return F.interpolate(maps, size=grid, mode="nearest-exact")
    return F.interpolate(maps, size=grid, mode="bilinear", align_corners=False)


def dense_inference():
    """Every layer on a grid of stride 4, hidden layer, classes, and back to full size (paper, section 4.3)."""
    side, hidden, classes = 16, 6, 4
    layers = [(1, 2), (2, 3), (4, 3), (8, 4), (16, 2)]
    maps = [torch.randn(2, width, side // s, side // s).relu() for s, width in layers]
    grid = (side // 4, side // 4)
    columns = torch.cat([to_grid(m, grid) for m in maps], 1)
    inputs = columns.shape[1]
    w1, b1 = torch.randn(inputs, hidden), torch.randn(hidden)
    w2, b2 = torch.randn(hidden, classes), torch.randn(classes)
    rows = columns.permute(0, 2, 3, 1)
    logits = ((rows @ w1 + b1).relu() @ w2 + b2).permute(0, 3, 1, 2)
    full = F.interpolate(logits, size=(side, side), mode="bilinear", align_corners=False)
    return {
        "side": side,
        "layers": [
            {"stride": s, "maps_NHWC": tensor(m.permute(0, 2, 3, 1))}
            for (s, _), m in zip(layers, maps)
        ],
        "hidden": {"weight": tensor(w1), "bias": tensor(b1)},
        "classes": {"weight": tensor(w2), "bias": tensor(b2)},
        "logits_NHWK": tensor(full.permute(0, 2, 3, 1)),
        "predicted": full.argmax(1).flatten().tolist(),
    }


def step_wise(scores, shown):
    """Area under the precision-recall steps, thresholds that are tied taken together, as scikit-learn has it since 0.19."""
    order = np.argsort(-scores, kind="mergesort")
    s, y = scores[order], shown[order]
    last = np.r_[np.where(np.diff(s))[0], len(s) - 1]
    hits = np.cumsum(y)[last]
    precision, recall = hits / (last + 1), hits / y.sum()
    return float(np.sum(np.diff(np.r_[0, recall]) * precision))


def eleven_point(scores, shown):
    """The development kit of VOC 2007: the best precision at recalls of at least 0, 0.1, ..., 1."""
    order = np.argsort(-scores, kind="mergesort")
    y = shown[order]
    hits = np.cumsum(y)
    precision, recall = hits / np.arange(1, len(y) + 1), hits / y.sum()
    best = [precision[recall >= t].max() if (recall >= t).any() else 0 for t in np.linspace(0, 1, 11)]
    return float(np.mean(best))


def average_precision():
    cases = []
    for images, share in [(12, 0.5), (40, 0.2), (200, 0.05), (60, 0.4)]:
        scores = np.random.randn(images).astype(np.float32)
        scores[: images // 4] = np.round(scores[: images // 4])  # ties
        marks = (np.random.rand(images) < share).astype(int)
        marks[0] = 1
        marks[np.random.rand(images) < 0.1] = VOID
        marks[1] = 1
        known = marks != VOID
        shown = marks[known] == 1
        lowered = scores[known].astype(np.float64) - 1e-5 * shown
        cases.append(
            {
                "scores": numbers(scores),
                "marks": marks.tolist(),
                "stepWise": step_wise(lowered, shown),
                "elevenPoint": eleven_point(lowered, shown),
            }
        )
    return cases


def mean_iou():
    classes, pixels = 6, 500
    truth = np.random.randint(0, classes - 1, pixels)  # the last class does not occur
    truth[np.random.rand(pixels) < 0.1] = VOID
    guess = np.where(np.random.rand(pixels) < 0.6, truth, np.random.randint(0, classes, pixels))
    guess[guess == VOID] = 0
    known = truth != VOID
    matrix = np.bincount(truth[known] * classes + guess[known], minlength=classes**2).reshape(classes, classes)
    hit, rows, columns = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    iou = [float(h / (r + c - h)) if r > 0 else None for h, r, c in zip(hit, rows, columns)]
    return {
        "classes": classes,
        "truth": truth.tolist(),
        "predicted": guess.tolist(),
        "iou": iou,
        "miou": float(np.mean([v for v in iou if v is not None])),
        "pixelAccuracy": float(hit.sum() / known.sum()),
    }


def pearson():
    """Correlation of a channel's values before and after, as numpy.corrcoef; a channel without variance has none."""
    before = np.random.rand(3, 4, 5, 6).astype(np.float32)
    after = (0.5 * before + np.random.rand(*before.shape)).astype(np.float32)
    after[..., 2] = 1
    flat = [a.reshape(-1, a.shape[-1]).astype(np.float64) for a in (before, after)]
    r = [
        None if min(flat[0][:, c].std(), flat[1][:, c].std()) == 0 else float(np.corrcoef(flat[0][:, c], flat[1][:, c])[0, 1])
        for c in range(before.shape[-1])
    ]
    return {"before": tensor(before), "after": tensor(after), "correlation": r}


def main():
    torch.manual_seed(SEED)
    np.random.seed(SEED % 2**32)
    golden = {
        "segmentationLoss": segmentation_loss(),
        "sigmoidLoss": sigmoid_loss(),
        "denseInference": dense_inference(),
        "averagePrecision": average_precision(),
        "meanIou": mean_iou(),
        "pearson": pearson(),
    }
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden/reference")
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items())
    (folder / "downstream.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
