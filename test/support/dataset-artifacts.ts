/**
 * Runs the stages `shard` and `catalog` into a store, as workers do, and commits their manifests; and small datasets of
 * real photographs to test with.
 */
import { createHash } from "node:crypto";
import type { TaskKind } from "../../src/plan/plan.ts";
import { shardParams } from "../../src/spec/params/params-shard.ts";
import type { StageParams } from "../../src/spec/stage-kinds.ts";
import { runCatalog } from "../../src/stages/catalog.ts";
import { runShard } from "../../src/stages/shard.ts";
import type {
  InputArtifact,
  RunStage,
  StageContext,
  StageResult,
} from "../../src/stages/stage.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createArtifactWriter } from "../../src/store/artifacts/artifact.ts";
import {
  commitManifest,
  type Manifest,
} from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";

export type DatasetArtifacts = {
  readonly store: Store;
  readonly parts: readonly Manifest[];
  readonly catalog: Manifest;
  readonly results: readonly StageResult[];
};

/** Packs a source into `store`; parameters as in a pipeline file. */
export async function packDataset(
  params: Record<string, unknown>,
  options: {
    readonly store?: Store;
    readonly signal?: AbortSignal;
    readonly progress?: StageContext["progress"];
    /** What a plan found at the source. */
    readonly fingerprint?: string;
  } = {},
): Promise<DatasetArtifacts> {
  const store = options.store ?? createMemoryStore();
  const parsed = shardParams.parse(params);
  const run = async <K extends "shard" | "catalog">(
    stage: RunStage<K>,
    task: FakeTask,
  ) => runStage(stage, { ...options, store, params: parsed, task });
  const parts: Manifest[] = [];
  const results: StageResult[] = [];
  for (let index = 0; index < parsed.shards; index++) {
    const part = { index, count: parsed.shards };
    const done = await run(runShard, { kind: "shard", part, inputs: {} });
    parts.push(done.manifest);
    results.push(done.result);
  }
  const inputs = { parts: parts.map(toInput) };
  const done = await run(runCatalog, { kind: "catalog", part: null, inputs });
  return {
    store,
    parts,
    catalog: done.manifest,
    results: [...results, done.result],
  };
}

type FakeTask = {
  readonly kind: TaskKind;
  readonly part: { readonly index: number; readonly count: number } | null;
  readonly inputs: Readonly<Record<string, readonly InputArtifact[]>>;
};

function toInput(manifest: Manifest): InputArtifact {
  const { key, producer } = manifest;
  return { task: producer.task, stage: "photos", key, cell: {}, manifest };
}

async function runStage<K extends "shard" | "catalog">(
  stage: RunStage<K>,
  options: {
    readonly store: Store;
    readonly params: StageParams<"shard">;
    readonly task: FakeTask;
    readonly signal?: AbortSignal;
    readonly progress?: StageContext["progress"];
    readonly fingerprint?: string;
  },
): Promise<{ readonly manifest: Manifest; readonly result: StageResult }> {
  const { store, params, task } = options;
  const key = createHash("sha256")
    .update(JSON.stringify([params, task]))
    .digest("hex");
  const output = createArtifactWriter(store, key, 1);
  const context = {
    description: {
      task: { name: task.kind, part: task.part },
      sources:
        options.fingerprint === undefined
          ? {}
          : { [params.source]: options.fingerprint },
    },
    params,
    seed: 0,
    inputs: task.inputs,
    store,
    output,
    log: silentLogger,
    signal: options.signal ?? new AbortController().signal,
    progress: options.progress ?? (() => undefined),
  } as unknown as StageContext<K>;
  const result = await stage(context);
  const files = output.files();
  const manifest = toManifest({ key, task, files, params, result });
  await commitManifest(store, manifest);
  return { manifest, result };
}

function toManifest(options: {
  readonly key: string;
  readonly task: FakeTask;
  readonly files: Manifest["files"];
  readonly params: StageParams<"shard">;
  readonly result: StageResult;
}): Manifest {
  const { key, task, files, params, result } = options;
  return {
    version: 1,
    key,
    kind: task.kind,
    contract: 1,
    epoch: 1,
    files,
    params: JSON.parse(JSON.stringify(params)),
    seed: null,
    inputs: Object.fromEntries(
      Object.entries(task.inputs).map(([name, inputs]) => [
        name,
        inputs.map((input) => input.key),
      ]),
    ),
    metrics: { ...result.metrics },
    producer: {
      hueline: "0.0.0",
      node: "v22",
      tensorflow: null,
      host: "test",
      run: "test",
      task: task.kind,
    },
    timing: {
      startedAtMs: 0,
      finishedAtMs: 0,
      wallMs: 0,
      cpuMs: 0,
      peakMemoryBytes: 0,
    },
  };
}
