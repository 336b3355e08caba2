/**
 * Merges the parts of a `shard` stage into the catalog of one dataset, and holds the whole to `maxBad`. Copies no
 * image: shards stay in the artifacts of their parts.
 */
import {
  CATALOG_FILE,
  LEFT_OUT_FILE,
  PART_FILE,
  partSchema,
  toJsonBytes,
} from "../data/catalog.ts";
import { checkQuarantine, mergeParts } from "../data/shards/merge-parts.ts";
import { readArtifactFile } from "../store/artifacts/artifact.ts";
import type { InputArtifact, RunStage, StageContext } from "./stage.ts";

export const runCatalog: RunStage<"catalog"> = async (context) => {
  const artifacts = Object.values(context.inputs).flat();
  const parts = [];
  for (const artifact of artifacts) {
    parts.push({
      part: await readPart(context, artifact),
      files: artifact.manifest.files,
    });
    context.progress({
      step: parts.length,
      steps: artifacts.length,
      detail: "parts merged",
    });
  }
  const catalog = mergeParts(parts);
  checkQuarantine(
    catalog.quarantine,
    catalog.source.items,
    context.params.maxBad,
  );
  const leftOut = parts[0]?.part.leftOut ?? [];
  await context.output.write(CATALOG_FILE, toJsonBytes(catalog));
  await context.output.write(LEFT_OUT_FILE, toJsonBytes({ leftOut }));
  return {
    metrics: {
      images: catalog.samples,
      bytes: catalog.shards.reduce((sum, shard) => sum + shard.sizeBytes, 0),
      bad: catalog.quarantine.length,
      leftOut: leftOut.reduce((sum, left) => sum + left.count, 0),
      classes: catalog.classes.length,
      shards: catalog.shards.length,
      meanChroma: catalog.meanChroma,
    },
  };
};

async function readPart(
  { store }: StageContext<"catalog">,
  { manifest }: InputArtifact,
) {
  const bytes = await readArtifactFile(store, manifest, PART_FILE);
  return partSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}
