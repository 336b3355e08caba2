/** Manifests for tests: everything but what a test cares about has a value. */
import { createArtifactWriter } from "../../src/store/artifacts/artifact.ts";
import { commitManifest } from "../../src/store/artifacts/manifest.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import type { Store } from "../../src/store/store.ts";

export function buildManifest(
  values: Partial<Manifest> & { readonly key: string },
): Manifest {
  return {
    version: 1,
    kind: "initialize",
    contract: 1,
    epoch: 1,
    files: [],
    params: {},
    seed: null,
    inputs: {},
    metrics: {},
    producer: {
      hueline: "0.1.0",
      node: "v22",
      tensorflow: null,
      host: "lab",
      run: "r",
      task: "t",
    },
    timing: {
      startedAtMs: 0,
      finishedAtMs: 1,
      wallMs: 1,
      cpuMs: 1,
      peakMemoryBytes: 1,
    },
    ...values,
  };
}

/** Writes files and commits them: an artifact as a worker leaves it. */
export async function commitArtifact(
  store: Store,
  values: Partial<Manifest> & { readonly key: string },
  files: Readonly<Record<string, Uint8Array>>,
): Promise<Manifest> {
  const { key, epoch = 1 } = values;
  const writer = createArtifactWriter(store, key, epoch);
  for (const [path, bytes] of Object.entries(files))
    await writer.write(path, bytes);
  const manifest = buildManifest({ ...values, epoch, files: writer.files() });
  const outcome = await commitManifest(store, manifest);
  return outcome === "committed" ? manifest : outcome.manifest;
}
