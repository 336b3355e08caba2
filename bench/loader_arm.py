"""One arm of bench/loader.ts in Python: WebDataset and PyTorch's DataLoader, `loader_arm.py pillow|opencv '{"tars", …}'`.

One endless reading of the tars; each line on standard input has it go on where it was, for one round.
"""

import io
import json
import os
import random
import resource
import sys
import time

import numpy as np
import torch
import webdataset as wds

name, given = sys.argv[1], json.loads(sys.argv[2])
side, batch, workers = given["side"], given["batch"], given["workers"]


def rectangle(width, height):
    """RandomResizedCrop, as torchvision has it."""
    for _ in range(10):
        area = width * height * random.uniform(0.35, 1)
        aspect = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, width - w), random.randint(0, height - h), w, h
    return 0, 0, width, height


if name == "opencv":
    import cv2

    cv2.setNumThreads(1)

    def decode(file):
        image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR_RGB)
        left, top, w, h = rectangle(image.shape[1], image.shape[0])
        cut = image[top : top + h, left : left + w]
        square = cv2.resize(cut, (side, side), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(cv2.flip(square, 1) if random.random() < 0.5 else square)

else:
    from PIL import Image

    def decode(file):
        image = Image.open(io.BytesIO(file)).convert("RGB")
        left, top, w, h = rectangle(*image.size)
        box = (left, top, left + w, top + h)
        square = image.crop(box).resize((side, side), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.asarray(square)


def to_sample(sample):
    label = json.loads(sample["json"]).get("label", -1)
    return torch.from_numpy(decode(sample["jpg"]).copy()), label


dataset = wds.WebDataset(
    given["tars"], shardshuffle=100, nodesplitter=wds.split_by_node, workersplitter=wds.split_by_worker
)
dataset = dataset.repeat().shuffle(200).map(to_sample)
loader = iter(torch.utils.data.DataLoader(dataset, batch_size=batch, num_workers=workers))


def cpu_seconds():
    """Of this process and of its workers, which are not waited for yet."""
    own = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    me = os.getpid()
    with open(f"/proc/{me}/task/{me}/children") as f:
        children = f.read().split()
    tick = os.sysconf("SC_CLK_TCK")
    for child in children:
        with open(f"/proc/{child}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        own += (int(fields[11]) + int(fields[12])) / tick
    return own


def stand_still():
    """Until what the workers make ahead is made, which is not to be in another arm's turn."""
    before = -1.0
    while cpu_seconds() - before > 0.02:
        before = cpu_seconds()
        time.sleep(0.2)


def read(batches):
    return sum(len(next(loader)[0]) for _ in range(batches))


for _ in sys.stdin:
    read(given["leadIn"])
    start, cpu = time.perf_counter(), cpu_seconds()
    images = read(given["batches"])
    result = {
        "images": images,
        "wallSeconds": time.perf_counter() - start,
        "cpuSeconds": cpu_seconds() - cpu,
    }
    stand_still()
    print(json.dumps(result), flush=True)
