"""Reads shards with WebDataset as its manual says, and prints a line of JSON for each sample."""

import json
import sys

import webdataset as wds

dataset = wds.WebDataset(sys.argv[1], shardshuffle=False).decode("rgb8")
for sample in dataset:
    image = next(sample[name] for name in ("jpg", "ppm", "png") if name in sample)
    # "mask.png" is decoded to the colours of its palette: its numbers are those of the raw file.
    mask = sample.get("mask.png")
    print(
        json.dumps(
            {
                "key": sample["__key__"],
                "shape": image.shape,
                "mask": None if mask is None else mask.shape,
                "facts": sample["json"],
            }
        )
    )
