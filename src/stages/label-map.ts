/**
 * The stage `label-map`: what an encoder will be told that the images of a dataset are (paper, section 5). Reads the dataset's
 * indices and no image.
 */
import { encodeLabelMap } from "../data/labels/label-map.ts";
import { toBuckets } from "../data/labels/buckets.ts";
import { drawLabels } from "../data/labels/draw-labels.ts";
import { samplesByClass } from "../data/batches/labels.ts";
import { openSampleTable } from "../data/shards/sample-table.ts";
import { inputOf } from "./_context.ts";
import type { RunStage } from "./stage.ts";

/** Metrics: `buckets`, `images` that are trained on, `rightLabels` of them. */
export const runLabelMap: RunStage<"label-map"> = async (context) => {
  const { params, store, seed, output } = context;
  const { map } = params;
  const { manifest } = inputOf(context, "data");
  const { id, catalog, table } = await openSampleTable(store, manifest);
  const dataset = {
    size: table.size,
    classes: catalog.classes,
    label: (sample: number) => table.label(sample),
  };
  const images = samplesByClass(dataset).map(({ length }) => length);
  const classes = catalog.classes.map((name, label) => ({
    name,
    images: images[label] ?? 0,
  }));
  const buckets = toBuckets(map.kind, map, { classes, seed });
  const bucketOf = new Int32Array(classes.length);
  for (const [bucket, own] of buckets.entries())
    for (const label of own.classes) bucketOf[label] = bucket;
  const drawn = drawLabels(dataset, {
    ...map,
    buckets: buckets.length,
    bucketOf,
    seed,
  });
  const files = encodeLabelMap({
    dataset: id,
    map,
    seed,
    buckets,
    classes,
    bucketOf,
    drawn,
  });
  for (const [path, bytes] of Object.entries(files))
    await output.write(path, bytes);
  context.progress({ step: 1, steps: 1, detail: "labels drawn" });
  return {
    metrics: {
      buckets: buckets.length,
      images: drawn.images,
      rightLabels: drawn.right,
    },
  };
};
