/**
 * Walks from results to everything that they were made from: manifests name the keys of their inputs. An artifact
 * does not know what a pipeline calls it (invariant C), so only the report's own inputs carry a stage and a cell.
 */
import type { ArtifactFact, ReportValue } from "../../report/value.ts";
import { readManifest } from "../../store/artifacts/manifest.ts";
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import type { InputArtifact } from "../stage.ts";

/** The metrics by which a dataset's catalog counts what it left out, in words. */
const LEFT_OUT = {
  bad: "unreadable images",
  leftOut: "entries of the source that are no usable image",
} as const;

export type Provenance = {
  readonly artifacts: readonly ArtifactFact[];
  readonly leftOut: ReportValue["leftOut"];
};

/** Inputs first, in the given order; then what lies behind them, by kind and key. */
export async function readProvenance(
  store: Store,
  inputs: readonly InputArtifact[],
): Promise<Provenance> {
  const direct = new Map(inputs.map((input) => [input.key, input]));
  const { manifests, missing } = await readAncestors(store, [
    ...direct.values(),
  ]);
  const ancestors = manifests.toSorted(
    (a, b) => compare(a.kind, b.kind) || compare(a.key, b.key),
  );
  return {
    artifacts: [
      ...[...direct.values()].map(({ manifest, stage, cell }) =>
        toFact(manifest, { stage, cell }),
      ),
      ...ancestors.map((manifest) =>
        toFact(manifest, { stage: null, cell: null }),
      ),
    ],
    leftOut: [
      ...ancestors.flatMap(leftOutOf),
      ...(missing > 0
        ? [
            {
              what: "artifacts behind the results that are no longer in the store",
              count: missing,
            },
          ]
        : []),
    ],
  };
}

function leftOutOf({ kind, key, metrics }: Manifest): ReportValue["leftOut"] {
  // Parts of a dataset count too; their catalog has the sum.
  if (kind !== "catalog") return [];
  return Object.entries(LEFT_OUT).flatMap(([metric, words]) => {
    const count = metrics[metric] ?? 0;
    return count > 0
      ? [{ what: `${words} (dataset ${key.slice(0, 12)})`, count }]
      : [];
  });
}

async function readAncestors(
  store: Store,
  inputs: readonly InputArtifact[],
): Promise<{ manifests: Manifest[]; missing: number }> {
  const parentsOf = (manifest: Manifest) =>
    Object.values(manifest.inputs).flat();
  const seen = new Set(inputs.map(({ key }) => key));
  const queue = inputs.flatMap(({ manifest }) => parentsOf(manifest));
  const manifests: Manifest[] = [];
  let missing = 0;
  for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const manifest = await readManifest(store, key);
    if (!manifest) {
      missing++;
      continue;
    }
    manifests.push(manifest);
    queue.push(...parentsOf(manifest));
  }
  return { manifests, missing };
}

function toFact(
  { kind, contract, key, seed, producer }: Manifest,
  place: Pick<ArtifactFact, "stage" | "cell">,
): ArtifactFact {
  const { hueline, tensorflow } = producer;
  return { kind, contract, key, seed, ...place, hueline, tensorflow };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
