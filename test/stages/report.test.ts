import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { StoppedError, UserError } from "../../src/base/errors.ts";
import { parseReport } from "../../src/report/value.ts";
import { reportParams } from "../../src/spec/params/params-report.ts";
import { runReport } from "../../src/stages/report.ts";
import type { InputArtifact, StageContext } from "../../src/stages/stage.ts";
import { createArtifactWriter } from "../../src/store/artifacts/artifact.ts";
import { createCheckpointStore } from "../../src/store/checkpoints/checkpoints.ts";
import { defaultCheckpoint } from "../../src/spec/defaults.ts";
import { layout } from "../../src/store/layout.ts";
import { commitManifest } from "../../src/store/artifacts/manifest.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { createCifarPictures } from "../support/cifar-pictures.ts";
import { exampleKey } from "../support/report-example.ts";

const SEEDS = [5, 6, 7] as const;
const ARMS = ["pretrain", "scratch"] as const;

type Upstream = {
  readonly kind: string;
  readonly name: string;
  readonly inputs?: readonly Manifest[];
  readonly metrics?: Readonly<Record<string, number>>;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly seed?: number;
};

/** Commits an artifact as a worker does; time and host differ from call to call, as they do in life. */
let commits = 0;
async function commit(store: Store, upstream: Upstream): Promise<Manifest> {
  const { kind, name, inputs = [], metrics = {}, files = {}, seed } = upstream;
  const key = exampleKey(name);
  const writer = createArtifactWriter(store, key, 1);
  for (const [path, content] of Object.entries(files))
    await writer.write(path, Buffer.from(content));
  const time = ++commits;
  const manifest: Manifest = {
    version: 1,
    key,
    kind,
    contract: 1,
    epoch: 1,
    files: writer.files(),
    params: {},
    seed: seed ?? null,
    inputs: { data: inputs.map((input) => input.key) },
    metrics: { ...metrics },
    producer: {
      hueline: "0.1.0",
      node: "v22",
      tensorflow: "2.18.1",
      host: `host-${time}`,
      run: `run-${time}`,
      task: name,
    },
    timing: {
      startedAtMs: time,
      finishedAtMs: time + 1,
      wallMs: time,
      cpuMs: time,
      peakMemoryBytes: time,
    },
  };
  await commitManifest(store, manifest);
  return manifest;
}

type Study = {
  readonly store: Store;
  readonly results: InputArtifact[];
  readonly curves: InputArtifact[];
};

/** Two arms and three seeds with curves, and an evaluation that kept pictures. */
async function createStudy(): Promise<Study> {
  const store = createMemoryStore();
  const part = await commit(store, {
    kind: "shard",
    name: "part",
    metrics: { bad: 2 },
  });
  const photos = await commit(store, {
    kind: "catalog",
    name: "photos",
    inputs: [part],
    metrics: { bad: 2, leftOut: 0 },
  });
  const results: InputArtifact[] = [];
  const curves: InputArtifact[] = [];
  for (const weights of ARMS)
    for (const seed of SEEDS) {
      const cell = { weights, seed };
      const rows = [1, 2, 3].map((step) =>
        JSON.stringify({ step, name: "loss", value: 3 - step * 0.5 }),
      );
      const model = await commit(store, {
        kind: "finetune",
        name: `finetune ${weights} ${seed}`,
        inputs: [photos],
        seed,
        files: { "metrics.jsonl": `${rows.join("\n")}\n` },
      });
      const accuracy = (weights === "pretrain" ? 0.43 : 0.35) + seed / 1000;
      const score = await commit(store, {
        kind: "evaluate",
        name: `score ${weights} ${seed}`,
        inputs: [model],
        metrics: { accuracy },
      });
      curves.push(toInput("finetune", cell, model));
      results.push(toInput("score", cell, score));
    }
  const look = await commit(store, {
    kind: "evaluate",
    name: "look",
    metrics: { rmse: 0.1 },
    files: await createPictureFiles(),
  });
  results.push(toInput("look", {}, look));
  return { store, results, curves };
}

async function createPictureFiles(): Promise<
  Record<string, string | Uint8Array>
> {
  const { items } = await createCifarPictures(2);
  const decode = (uri: string) =>
    Buffer.from(uri.split(",")[1] ?? "", "base64");
  const files: Record<string, string | Uint8Array> = {};
  const list = items.map(({ gray, predicted, truth }, index) => {
    const place = (which: string) => `pictures/00${index}-${which}.png`;
    files[place("gray")] = decode(gray);
    files[place("predicted")] = decode(predicted);
    files[place("true")] = decode(truth);
    return {
      name: "cat",
      gray: place("gray"),
      predicted: place("predicted"),
      true: place("true"),
    };
  });
  return { ...files, "pictures.json": JSON.stringify(list) };
}

function toInput(
  stage: string,
  cell: InputArtifact["cell"],
  manifest: Manifest,
): InputArtifact {
  return {
    task: manifest.producer.task,
    stage,
    key: manifest.key,
    cell,
    manifest,
  };
}

const params = reportParams.parse({
  title: "A study",
  tables: [
    {
      title: "Accuracy",
      metric: "accuracy",
      rows: "weights",
      where: { stage: "score" },
    },
  ],
  claims: [
    {
      name: "better",
      text: "Pretraining helps.",
      metric: "accuracy",
      of: { weights: "pretrain" },
      minus: { weights: "scratch" },
      pass: { every: { above: 0.05 } },
    },
  ],
  curves: [{ title: "Loss", metric: "loss", lines: "weights" }],
});

async function run(
  { store, results, curves }: Study,
  signal = new AbortController().signal,
) {
  const key = exampleKey("report");
  const output = new Map<string, string>();
  const context: StageContext<"report"> = {
    description: {
      run: "run",
      pipeline: "study",
      task: {
        name: "report",
        stage: "report",
        kind: "report",
        cell: {},
        params: {},
        seed: null,
        inputs: {},
        part: null,
        resources: { cpu: 1, memoryBytes: 1, gpu: 0 },
        checkpoint: null,
        timeoutMs: null,
        key,
      },
      inputs: {},
    },
    params,
    seed: 0,
    inputs: { results, curves },
    store,
    output: {
      write: async (path, bytes) => {
        output.set(path, Buffer.from(bytes).toString());
      },
      writeStream: () => Promise.reject(new Error("a report is not streamed")),
    },
    checkpoints: createCheckpointStore({
      ...defaultCheckpoint,
      store,
      key,
      epoch: 1,
    }),
    checkpointEvery: null,
    engine: { directory: "", threads: 1 },
    loader: {
      workers: 1,
      maxBytes: 0,
      cache: null,
      fetched: () => undefined,
    },
    log: silentLogger,
    signal,
    progress: () => undefined,
  };
  const { metrics } = await runReport(context);
  return { metrics, output };
}

async function failureOf(promise: Promise<unknown>): Promise<UserError> {
  const thrown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(thrown).toBeInstanceOf(UserError);
  return thrown as UserError;
}

describe("the stage report", () => {
  it("writes six forms of one value and counts the claims that hold", async () => {
    const { metrics, output } = await run(await createStudy());
    expect(metrics).toEqual({
      claims: 1,
      claimsHolding: 1,
      published: 0,
      publishedReproduced: 0,
    });
    expect([...output.keys()].toSorted()).toEqual([
      "claims.csv",
      "report.csv",
      "report.html",
      "report.json",
      "report.md",
      "report.tex",
    ]);
    const value = parseReport(output.get("report.json") ?? "");
    expect(value.tables[0]?.rows).toEqual(["pretrain", "scratch"]);
    expect(value.curves[0]?.lines[0]?.mean).toEqual([
      [1, 2.5],
      [2, 2],
      [3, 1.5],
    ]);
    expect(value.pictures[0]?.items).toHaveLength(2);
    expect(value.pictures[0]?.items[0]).toMatchObject({
      width: 32,
      height: 32,
    });
    expect(output.get("report.html")).toContain("Pretraining helps.");
  });

  it("lists every artifact behind the results, down to the photographs, once", async () => {
    const { output } = await run(await createStudy());
    const { provenance } = parseReport(output.get("report.json") ?? "");
    const kinds = Map.groupBy(provenance.artifacts, ({ kind }) => kind);
    expect([...kinds].map(([kind, { length }]) => [kind, length])).toEqual([
      ["evaluate", 7],
      ["finetune", 6],
      ["catalog", 1],
      ["shard", 1],
    ]);
  });

  it("counts the images that a dataset left out once, although its parts count them too", async () => {
    const { output } = await run(await createStudy());
    expect(parseReport(output.get("report.json") ?? "").leftOut).toEqual([
      {
        what: `unreadable images (dataset ${exampleKey("photos").slice(0, 12)})`,
        count: 2,
      },
    ]);
  });

  it("says when something behind the results is no longer in the store", async () => {
    const study = await createStudy();
    await study.store.remove(layout.manifest(exampleKey("part")));
    const { output } = await run(study);
    expect(parseReport(output.get("report.json") ?? "").leftOut).toContainEqual(
      {
        what: "artifacts behind the results that are no longer in the store",
        count: 1,
      },
    );
  });

  it("gives the same bytes when the same artifacts were made elsewhere, at another time", async () => {
    const [once, again] = [
      await run(await createStudy()),
      await run(await createStudy()),
    ];
    expect([...again.output]).toEqual([...once.output]);
  });

  it("counts training stages that logged no curves", async () => {
    const study = await createStudy();
    const [score] = study.results;
    if (!score) throw new Error("the study has no result");
    const { output } = await run({
      ...study,
      curves: [...study.curves, score],
    });
    expect(parseReport(output.get("report.json") ?? "").leftOut).toContainEqual(
      {
        what: "training stages without learning curves",
        count: 1,
      },
    );
  });

  it("stops without writing anything when it is told to", async () => {
    const study = await createStudy();
    const stopped = run(study, AbortSignal.abort());
    await expect(stopped).rejects.toBeInstanceOf(StoppedError);
  });

  it.each([
    ["metrics.jsonl", "finetune pretrain 5"],
    ["pictures.json", "look"],
    ["pictures/001-predicted.png", "look"],
  ])("names a damaged %s and how to mend it", async (path, name) => {
    const study = await createStudy();
    const inputs = [...study.results, ...study.curves];
    const manifest = inputs.find(({ task }) => task === name)?.manifest;
    if (!manifest) throw new Error(`the study has no ${name}`);
    const place = layout.attempt(manifest.key, manifest.epoch) + path;
    await study.store.put(place, Buffer.from("damaged"));
    const error = await failureOf(run(study));
    expect(error.code).toBe("artifact.corrupt");
    expect(error.message).toContain(path);
    expect(error.hint).toContain(layout.manifest(manifest.key));
  });

  it.each([
    ["metrics.jsonl", '{"step":1}\n'],
    ["metrics.jsonl", "no JSON\n"],
    ["pictures.json", "[1]"],
    ["pictures.json", '[{"name":"x","gray":"a","predicted":"a","true":"a"}]'],
  ])("refuses a whole %s with content %j", async (path, content) => {
    const study = await createStudy();
    const odd = await commit(study.store, {
      kind: "finetune",
      name: "odd",
      files: { [path]: content, a: "not a PNG" },
    });
    const input = toInput("finetune", { weights: "odd", seed: 5 }, odd);
    const error = await failureOf(
      run({ ...study, results: [...study.results, input], curves: [input] }),
    );
    expect(error.code).toBe("report.malformed-input");
    expect(error.message).toContain("finetune");
  });
});
