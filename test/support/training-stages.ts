/**
 * Runs training and evaluation stages into a memory store as workers do: parameters checked by the kind's schema, the real
 * checkpoint store, a committed manifest. For tests with small datasets of real photographs.
 */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { silentLogger } from "../../src/base/log.ts";
import {
  cacheRootOf,
  findEngine,
  toEnginePlatform,
} from "../../src/engine/location.ts";
import { stageKinds, type StageKind } from "../../src/spec/stage-kinds.ts";
import type {
  InputArtifact,
  RunStage,
  StageContext,
  StageProgress,
} from "../../src/stages/stage.ts";
import { stages } from "../../src/stages/stages.ts";
import {
  createArtifactWriter,
  readArtifactFile,
} from "../../src/store/artifacts/artifact.ts";
import { createCheckpointStore } from "../../src/store/checkpoints/checkpoints.ts";
import { defaultCheckpoint } from "../../src/spec/defaults.ts";
import type { Cadence } from "../../src/spec/pipeline-spec.ts";
import {
  commitManifest,
  type Manifest,
} from "../../src/store/artifacts/manifest.ts";
import type { Store } from "../../src/store/store.ts";

type TrainingKind = Extract<
  StageKind,
  | "concat"
  | "label-map"
  | "convert"
  | "initialize"
  | "pretrain"
  | "finetune"
  | "evaluate"
  | "compare"
>;

export type StageRun = {
  readonly manifest: Manifest;
  readonly progress: readonly StageProgress[];
};

/** Runs one stage. Two runs with the same arguments have the same key, and so the same checkpoints. */
export async function runTrainingStage(options: {
  readonly kind: TrainingKind;
  readonly store: Store;
  readonly params: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, Manifest | readonly Manifest[]>>;
  readonly seed?: number;
  readonly checkpointEvery?: Cadence;
  readonly signal?: AbortSignal;
  /** Makes the key differ from that of another run with the same arguments. */
  readonly salt?: string;
  readonly onProgress?: (progress: StageProgress) => void;
}): Promise<StageRun> {
  const { kind, store, seed = 0, salt = "" } = options;
  const params: unknown = stageKinds[kind].params.parse(options.params);
  const inputs = Object.entries(options.inputs).map(
    ([name, given]) => [name, [given].flat()] as const,
  );
  const inputKeys = inputs.flatMap(([, given]) => given.map(({ key: k }) => k));
  const key = createHash("sha256")
    .update(JSON.stringify([kind, params, inputKeys, seed, salt]))
    .digest("hex");
  const output = createArtifactWriter(store, key, 1);
  const progress: StageProgress[] = [];
  const context = {
    description: { task: { name: kind, part: null } },
    params,
    seed,
    inputs: Object.fromEntries(
      inputs.map(([name, given]) => [name, given.map(toInput)]),
    ),
    store,
    output,
    checkpoints: createCheckpointStore({
      ...defaultCheckpoint,
      store,
      key,
      epoch: 1,
    }),
    checkpointEvery: options.checkpointEvery ?? null,
    engine: { directory: engineDirectory(), threads: 1 },
    loader: {
      workers: 2,
      maxBytes: 2 ** 28,
      cache: null,
      fetched: () => undefined,
    },
    log: silentLogger,
    signal: options.signal ?? new AbortController().signal,
    progress: (report: StageProgress) => {
      progress.push(report);
      options.onProgress?.(report);
    },
  } as unknown as StageContext;
  const run = stages[kind] as RunStage<never>;
  const { metrics } = await run(context as never);
  const manifest: Manifest = {
    version: 1,
    key,
    kind,
    contract: 1,
    epoch: 1,
    files: output.files(),
    params: JSON.parse(JSON.stringify(params)) as Manifest["params"],
    seed,
    inputs: Object.fromEntries(
      inputs.map(([name, given]) => [name, given.map(({ key: k }) => k)]),
    ),
    metrics: { ...metrics },
    producer: {
      hueline: "0.0.0",
      node: "v22",
      tensorflow: null,
      host: "test",
      run: "test",
      task: kind,
    },
    timing: {
      startedAtMs: 0,
      finishedAtMs: 0,
      wallMs: 0,
      cpuMs: 0,
      peakMemoryBytes: 0,
    },
  };
  await commitManifest(store, manifest);
  return { manifest, progress };
}

/** A text file of an artifact. */
export async function readText(
  store: Store,
  manifest: Manifest,
  path: string,
): Promise<string> {
  return new TextDecoder().decode(
    await readArtifactFile(store, manifest, path),
  );
}

/** SHA-256 of each file: two runs are alike when these are. */
export function sumsOf({ files }: Manifest): Readonly<Record<string, string>> {
  return Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]));
}

function toInput(manifest: Manifest): InputArtifact {
  const { key, kind } = manifest;
  return { task: kind, stage: kind, key, cell: {}, manifest };
}

export function engineDirectory(): string {
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform === null)
    throw new Error(
      `there is no engine for ${process.platform} ${process.arch}`,
    );
  return findEngine({
    cacheRoot: cacheRootOf(process.env["XDG_CACHE_HOME"], homedir()),
    platform,
    override: process.env["HUELINE_ENGINE"],
  }).directory;
}
