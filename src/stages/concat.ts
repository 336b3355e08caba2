/**
 * The stage `concat`: several datasets as one, one behind another, such as ImageNet and Places205 for a task that reads no labels.
 * Writes a catalog; the shards stay where they are.
 */
import { CATALOG_FILE, LEFT_OUT_FILE, toJsonBytes } from "../data/catalog.ts";
import { concatCatalogs } from "../data/concat-catalogs.ts";
import { listDataset } from "../data/inspect.ts";
import type { RunStage } from "./stage.ts";

export const runConcat: RunStage<"concat"> = async (context) => {
  const { store, output } = context;
  const datasets = [];
  for (const { manifest } of context.inputs["data"] ?? [])
    datasets.push(await listDataset(store, manifest));
  const catalog = concatCatalogs(datasets);
  const leftOut = datasets.flatMap((dataset) => dataset.leftOut);
  await output.write(CATALOG_FILE, toJsonBytes(catalog));
  await output.write(LEFT_OUT_FILE, toJsonBytes({ leftOut }));
  context.progress({
    step: datasets.length,
    steps: datasets.length,
    detail: "datasets put together",
  });
  return {
    metrics: {
      datasets: datasets.length,
      images: catalog.samples,
      bytes: catalog.shards.reduce((sum, shard) => sum + shard.sizeBytes, 0),
      classes: catalog.classes.length,
      shards: catalog.shards.length,
      meanChroma: catalog.meanChroma,
    },
  };
};
