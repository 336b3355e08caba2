"""Prints what pandas reads of a run that was pulled: python read_figures.py FOLDER"""

import json
import sys

import pandas as pd

folder = sys.argv[1]
curve = pd.read_json(f"{folder}/pretrain/metrics.jsonl", lines=True)
assert {"step", "name", "value"} <= set(curve.columns), curve.columns
figures = pd.read_csv(f"{folder}/report/report.csv")
accuracies = figures.query("metric == 'accuracy'").value
print(json.dumps({"steps": int(curve.step.max()), "accuracies": accuracies.tolist()}))
