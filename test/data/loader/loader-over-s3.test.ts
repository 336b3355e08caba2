/**
 * The loader's threads read the test server, which runs on this thread, as they read any S3: by AWS's variables.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openLoader } from "../../../src/data/loader/open-loader.ts";
import type { LoaderOptions } from "../../../src/data/loader/loader.ts";
import {
  loaderOptions,
  packPhotographs,
  readStep,
  readSteps,
  upTo,
  type LoaderDataset,
  type SeenImage,
} from "../../support/loader-dataset.ts";
import type { Fault } from "../../support/s3-server/faults.ts";
import {
  startS3TestServer,
  type S3TestServer,
} from "../../support/s3-server/server.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const STEPS = 6;
let server: S3TestServer;
let dataset: LoaderDataset;
let wanted: SeenImage[][];
const cleanUps: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  const { folder, remove } = await openTemporaryFolder();
  cleanUps.push(remove);
  dataset = await packPhotographs(folder, { count: 90, shards: 4 });
  wanted = await readSteps(loaderOptions(dataset, { workers: 1 }), upTo(STEPS));
  server = await startS3TestServer();
  cleanUps.push(() => server.close());
  for (const shard of dataset.shardPaths) {
    const bytes = await dataset.store.read(shard);
    server.state.put(`set/${shard}`, {}, Buffer.from(bytes ?? []));
  }
  const variables = {
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: "us-east-1",
  };
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    cleanUps.push(async () => {
      if (before === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before;
    });
  }
});
afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});
beforeEach(() => {
  server.setFaults(null);
});

const overS3 = (options: Partial<LoaderOptions> = {}): LoaderOptions =>
  loaderOptions(dataset, {
    storeUrl: `s3://${server.bucket}/set`,
    ...options,
  });

const faults = [
  { kind: "refuse", status: 503, code: "SlowDown" },
  { kind: "reset", when: "before" },
  { kind: "truncate" },
  { kind: "corrupt" },
  { kind: "reset", when: "after" },
  { kind: "shorten" },
  { kind: "refuse", status: 500, code: "InternalError" },
] as const satisfies readonly Fault[];

/** One of the faults, in turn, for every second request. Damage is never twice the same: that lies in the store. */
function failOften(): { count(): number } {
  let [requests, failed] = [0, 0];
  server.setFaults(() => {
    if (requests++ % 2 === 1) return null;
    const fault = faults[failed++ % faults.length] ?? null;
    return fault?.kind === "corrupt"
      ? { ...fault, bits: 1 + (failed % 255) }
      : fault;
  });
  return { count: () => failed };
}

describe("a loader over S3", () => {
  it("asks once for each block, and gives the same pixels as from a folder", async () => {
    const options = overS3();
    const before = server.requests.length;
    expect(await readSteps(options, upTo(STEPS))).toEqual(wanted);
    const asked = server.requests.slice(before);
    expect(asked.filter((request) => request.endsWith(".tar"))).toHaveLength(
      options.order.blocks.length,
    );
  });

  it("gives the same pixels when every second answer is a refusal, a reset, cut off or damaged", async () => {
    const failed = failOften();
    expect(await readSteps(overS3(), upTo(STEPS))).toEqual(wanted);
    expect(failed.count()).toBeGreaterThan(14);
  });

  it("names what is refused for good, and goes on when it is granted", async () => {
    server.setFaults(() => ({
      kind: "refuse",
      status: 403,
      code: "AccessDenied",
    }));
    const loader = await openLoader(overS3({ workers: 1 }));
    await expect(loader.batch(0)).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringMatching(/shard-0000\d-of-00004\.tar/),
    });
    server.setFaults(null);
    expect(await readStep(loader, 0)).toEqual(wanted[0]);
    await loader.close();
  });

  it("is closed while it waits for a server that does not answer", async () => {
    server.setFaults(() => ({ kind: "drop" }));
    const before = server.requests.length;
    const loader = await openLoader(overS3({ workers: 1 }));
    const waiting = loader.batch(0);
    const refused = expect(waiting).rejects.toThrow(/closed/);
    while (server.requests.length === before)
      await new Promise((resolve) => setImmediate(resolve));
    await loader.close();
    await refused;
  });
});

describe("the bottleneck that a loader names", () => {
  it("is the storage where each answer comes late", async () => {
    server.setFaults(() => ({ kind: "delay", ms: 400 }));
    const loader = await openLoader(overS3({ workers: 1 }));
    await loader.batch(0);
    loader.report();
    // New blocks: the second half of the epoch.
    for (const step of [2, 3, 4]) await loader.batch(step);
    expect(loader.report()).toMatchObject({ bottleneck: "storage" });
    await loader.close();
  });

  it("is decoding where everything is at hand and large squares are wanted at once", async () => {
    const crop = {
      side: 640,
      scale: { kind: "shorter-side", min: 640, max: 700 },
      place: "random",
      mirror: true,
    } as const;
    const loader = await openLoader(loaderOptions(dataset, { crop }));
    for (const step of upTo(STEPS)) await loader.batch(step);
    loader.report();
    for (const step of upTo(12)) await loader.batch(STEPS + step);
    expect(loader.report()).toMatchObject({
      bottleneck: "decode",
      requests: 0,
    });
    await loader.close();
  });

  it("is the training where that takes longer than making a batch", async () => {
    const loader = await openLoader(loaderOptions(dataset, { workers: 2 }));
    await loader.batch(0);
    let step = 1;
    // However busy the machine is: a training that is slow enough is found to be.
    for (let trainingMs = 50; ; trainingMs *= 2) {
      loader.report();
      for (const last = step + 3; step < last; step++) {
        const until = performance.now() + trainingMs;
        while (performance.now() < until)
          await new Promise((resolve) => setImmediate(resolve));
        await loader.batch(step);
      }
      const { bottleneck } = loader.report();
      if (bottleneck === "training") break;
      expect(trainingMs).toBeLessThan(5_000);
    }
    await loader.close();
  });
});
