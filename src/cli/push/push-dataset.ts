/**
 * A packed dataset, taken from one store to another: its parts and then its catalog, under the keys that they have, so
 * that a run over there finds them committed.
 */
import { isDatasetKind } from "../../plan/plan.ts";
import { mapBounded } from "../../base/async.ts";
import { ExitCode, UserError } from "../../base/errors.ts";
import { copyArtifact } from "../../store/artifacts/copy-artifact.ts";
import { readManifest, type Manifest } from "../../store/artifacts/manifest.ts";
import { createLiveness, readOwner } from "../../store/claims/owner.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { formatBytes, printJson } from "../output.ts";
import { findArtifact } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";
import { createTransferDisplay } from "../transfer-display.ts";

type DatasetOptions = {
  readonly store?: string;
  readonly output: string;
  readonly dryRun?: boolean;
};

/** Copies what `name` names, a dataset of the store that the options name, to the store at `target`. */
export async function pushDataset(
  environment: Environment,
  name: string,
  target: string,
  options: DatasetOptions,
): Promise<ExitCode> {
  const from = openStoreOption(options.store, environment);
  const to = openStoreOption(target, environment);
  const catalog = await findArtifact(from, name);
  if (!isDatasetKind(catalog.kind))
    throw new UserError({
      code: "data.not-a-dataset",
      message: `'${name}' is an artifact of kind '${catalog.kind}', not a dataset`,
      hint: "name a stage of kind shard or concat",
    });
  // The parts first: who finds the catalog finds what it speaks of.
  const artifacts = [...(await readParts(from, catalog)), catalog];
  const copied = await copyAll(environment, { from, to, artifacts, options });
  const view = {
    dataset: catalog.key,
    store: to.url,
    artifacts: artifacts.length,
    copied,
    bytes: sizeOf(artifacts),
  };
  if (options.output === "json") printJson(environment.stdout, view);
  else
    environment.stdout.write(
      options.dryRun === true
        ? `${artifacts.length} artifacts (${formatBytes(view.bytes)}) would be copied, as far as ${to.url} does not have them\n`
        : `${artifacts.length} artifacts (${formatBytes(view.bytes)}), ${copied} copied to ${to.url}, checksums verified\nlook into it: hueline data ls ${catalog.key.slice(0, 12)} --store ${to.url}\n`,
    );
  return ExitCode.done;
}

async function readParts(
  store: Store,
  catalog: Manifest,
): Promise<readonly Manifest[]> {
  const keys = [...new Set(Object.values(catalog.inputs).flat())];
  const artifacts = await mapBounded(keys, 16, async (key) => {
    const manifest = await readManifest(store, key);
    if (manifest !== null)
      return isDatasetKind(manifest.kind)
        ? [...(await readParts(store, manifest)), manifest]
        : [manifest];
    throw new UserError({
      code: "artifact.missing",
      message: `the dataset ${catalog.key} names the part ${key}, which is not in ${store.url}`,
      hint: "run its pipeline again: the part is packed anew",
    });
  });
  return artifacts.flat();
}

async function copyAll(
  environment: Environment,
  request: {
    readonly from: Store;
    readonly to: Store;
    readonly artifacts: readonly Manifest[];
    readonly options: DatasetOptions;
  },
): Promise<number> {
  const { from, to, artifacts, options } = request;
  if (options.dryRun === true) return 0;
  const { clock, host, log, signal } = environment;
  const display = createTransferDisplay(environment);
  const totalBytes = sizeOf(artifacts);
  const totalFiles = artifacts.length;
  let doneBytes = 0;
  let copied = 0;
  const owner = (task: string) =>
    readOwner({ host: host.name, pid: host.pid, run: "push", task });
  try {
    for (const [doneFiles, manifest] of artifacts.entries()) {
      const outcome = await copyArtifact(manifest, {
        from,
        to,
        owner: await owner(manifest.producer.task),
        isOwnerAlive: createLiveness({ host: host.name }),
        clock,
        log,
        signal,
        onBytes: (bytes) => {
          doneBytes += bytes;
          display.show({ doneBytes, totalBytes, doneFiles, totalFiles });
        },
      });
      if (outcome === "copied") copied++;
    }
    return copied;
  } finally {
    display.end();
  }
}

function sizeOf(artifacts: readonly Manifest[]): number {
  return artifacts
    .flatMap(({ files }) => files)
    .reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
