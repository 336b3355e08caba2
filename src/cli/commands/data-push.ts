/**
 * `hueline data push`: takes a local dataset to a bucket, so that a shard stage can have it as its source, or a packed
 * dataset from one store to another. What is there already is not sent again, so a broken push goes on.
 */
import path from "node:path";
import { mapBounded } from "../../base/async.ts";
import { ExitCode, UserError } from "../../base/errors.ts";
import { copyArtifact } from "../../store/artifacts/copy-artifact.ts";
import { readManifest, type Manifest } from "../../store/artifacts/manifest.ts";
import { createLiveness, readOwner } from "../../store/claims/owner.ts";
import { openStore } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";
import { uploadFiles } from "../../store/transfer/upload-files.ts";
import type { Environment } from "../environment.ts";
import { formatBytes, printJson } from "../output.ts";
import { compareFiles, type Comparison } from "../push/compare.ts";
import {
  listLocal,
  type LocalFile,
  type LocalFiles,
} from "../push/list-local.ts";
import { findArtifact } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";
import { createTransferDisplay } from "../transfer-display.ts";

export type PushOptions = {
  readonly store?: string;
  readonly output: string;
  readonly dryRun?: boolean;
  readonly to?: string;
};

export async function push(
  environment: Environment,
  given: readonly string[],
  options: PushOptions,
): Promise<ExitCode> {
  try {
    return options.to === undefined
      ? await pushFiles(environment, given, options)
      : await pushDataset(environment, given, options, options.to);
  } catch (thrown) {
    if (!environment.signal.aborted) throw thrown;
    environment.stderr.write("stopped; the same push goes on\n");
    return ExitCode.stopped;
  }
}

async function pushFiles(
  environment: Environment,
  given: readonly string[],
  options: PushOptions,
): Promise<ExitCode> {
  const url = given.at(-1) ?? "";
  const sources = given.slice(0, -1);
  if (sources.length === 0 || !/^(s3|file):/i.test(url))
    throw usage(
      `expected folders or tar files and then s3://bucket/prefix, found '${given.join(" ")}'`,
    );
  const { currentDirectory, signal } = environment;
  const store = openStore(url, { currentFolder: currentDirectory });
  const local = await listLocal(
    sources.map((source) => path.resolve(currentDirectory, source)),
  );
  const comparison = await compareFiles(store, local.files, signal);
  const wanted = [...comparison.absent, ...comparison.different];
  if (options.dryRun !== true) {
    const display = createTransferDisplay(environment);
    try {
      await uploadFiles(
        store,
        wanted.map(({ file, name }) => ({ file, path: name })),
        { signal, onProgress: display.show },
      );
    } finally {
      display.end();
    }
  }
  report(environment, options, { url, local, comparison });
  return ExitCode.done;
}

function report(
  environment: Environment,
  options: PushOptions,
  {
    url,
    local,
    comparison,
  }: {
    readonly url: string;
    readonly local: LocalFiles;
    readonly comparison: Comparison;
  },
): void {
  const { absent, different, same, extra } = comparison;
  const source = url.endsWith("/") ? url : `${url}/`;
  const isDry = options.dryRun === true;
  const leftOut = [...local.leftOut].map(([reason, count]) => ({
    reason,
    count,
  }));
  if (options.output === "json") {
    printJson(environment.stdout, {
      dryRun: isDry,
      source,
      new: sum(absent),
      replaced: sum(different),
      there: sum(same),
      leftOut,
      notLocal: extra,
    });
    return;
  }
  const sent = isDry ? "would be sent" : "sent";
  const line = (files: readonly LocalFile[], what: string): string[] =>
    files.length === 0
      ? []
      : [
          `${sum(files).files} files (${formatBytes(sum(files).sizeBytes)}) ${what}`,
        ];
  const lines = [
    ...line(absent, sent),
    ...line(different, `${sent}, in place of something else`),
    ...line(same, "were there already"),
    ...leftOut.map(({ reason, count }) => `${count} left out: ${reason}`),
    ...(extra > 0
      ? [`${extra} objects at ${source} are none of these files`]
      : []),
    `source: ${source}`,
  ];
  environment.stdout.write(`${lines.join("\n")}\n`);
}

function sum(files: readonly LocalFile[]) {
  return {
    files: files.length,
    sizeBytes: files.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
  };
}

async function pushDataset(
  environment: Environment,
  given: readonly string[],
  options: PushOptions,
  target: string,
): Promise<ExitCode> {
  const [name, ...rest] = given;
  if (name === undefined || rest.length > 0)
    throw usage(`expected one dataset before --to, found '${given.join(" ")}'`);
  const from = openStoreOption(options.store, environment);
  const to = openStoreOption(target, environment);
  const catalog = await findArtifact(from, name);
  if (catalog.kind !== "catalog")
    throw new UserError({
      code: "data.not-a-dataset",
      message: `'${name}' is an artifact of kind '${catalog.kind}', not a dataset`,
      hint: "name a stage of kind shard",
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
  return await mapBounded(keys, 16, async (key) => {
    const manifest = await readManifest(store, key);
    if (manifest !== null) return manifest;
    throw new UserError({
      code: "artifact.missing",
      message: `the dataset ${catalog.key} names the part ${key}, which is not in ${store.url}`,
      hint: "run its pipeline again: the part is packed anew",
    });
  });
}

async function copyAll(
  environment: Environment,
  request: {
    readonly from: Store;
    readonly to: Store;
    readonly artifacts: readonly Manifest[];
    readonly options: PushOptions;
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

function usage(message: string): UserError {
  return new UserError({
    code: "cli.usage",
    message,
    hint: "hueline data push FOLDER s3://bucket/prefix, or hueline data push RUN/STAGE --to s3://bucket/prefix",
    exitCode: ExitCode.usage,
  });
}
