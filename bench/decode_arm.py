"""One arm of bench/decode.ts in Python: `decode_arm.py pillow|opencv FOLDER`. One round per line on standard input."""

import io
import json
import os
import sys
import time

import numpy as np

name, folder = sys.argv[1:3]
with open(os.path.join(folder, "cases.json")) as f:
    plan = json.load(f)
side, cases = plan["side"], plan["cases"]
files = [open(os.path.join(folder, case["file"]), "rb").read() for case in cases]

if name == "opencv":
    import cv2

    cv2.setNumThreads(1)

    def decode(file, source, mirror):
        image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR_RGB)
        left, top = source["left"], source["top"]
        cut = image[top : top + source["height"], left : left + source["width"]]
        square = cv2.resize(cut, (side, side), interpolation=cv2.INTER_LINEAR)
        return cv2.flip(square, 1) if mirror else square

else:
    from PIL import Image

    def decode(file, source, mirror):
        left, top = source["left"], source["top"]
        box = (left, top, left + source["width"], top + source["height"])
        image = Image.open(io.BytesIO(file)).convert("RGB")
        square = image.crop(box).resize((side, side), Image.Resampling.BILINEAR)
        if mirror:
            square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.asarray(square)


for _ in sys.stdin:
    start, cpu = time.perf_counter(), time.process_time()
    firsts = []
    for file, case in zip(files, cases):
        square = decode(file, case["source"], case["mirror"])
        if len(firsts) < 20:
            firsts.append(square.tobytes())
    result = {
        "images": len(files),
        "wallSeconds": time.perf_counter() - start,
        "cpuSeconds": time.process_time() - cpu,
    }
    with open(os.path.join(folder, name + ".bin"), "wb") as f:
        f.write(b"".join(firsts))
    print(json.dumps(result), flush=True)
