/**
 * The loader and the session addon, against the real library of this machine. Graphs are written by hand: the step
 * compiler has tests of its own.
 */
import { homedir } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { join } from "node:path";
import * as tfOfThisModule from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { graphDef, type NodeDef } from "../../src/engine/graph/proto.ts";
import {
  cacheRootOf,
  findEngine,
  sessionName,
  toEnginePlatform,
} from "../../src/engine/location.ts";
import { loadEngine, type Engine } from "../../src/engine/native.ts";
import type {
  NativeSession,
  SessionAddon,
  SessionFeed,
  SessionRequest,
} from "../../src/engine/session-addon.ts";

const FLOAT = 1;
const INT32 = 3;
const STRING = 7;

const platform =
  toEnginePlatform(process.platform, process.arch) ?? "linux-x64";
const { directory } = findEngine({
  cacheRoot: cacheRootOf(process.env["XDG_CACHE_HOME"], homedir()),
  platform,
  override: process.env["HUELINE_ENGINE"],
});
const options = { directory, threads: 1, logLevel: 3 as const };

let engine: Engine;
let addon: SessionAddon;
beforeAll(() => {
  engine = loadEngine(options);
  addon = engine.session;
});

const opened: NativeSession[] = [];
afterEach(() => {
  for (const session of opened.splice(0)) addon.closeSession(session);
});
function open(nodes: readonly NodeDef[]): NativeSession {
  const session = addon.newSession(graphDef(nodes), null, "");
  opened.push(session);
  return session;
}

const placeholder = (
  name: string,
  shape: readonly number[] | null,
  dtype = FLOAT,
): NodeDef => ({
  name,
  op: "Placeholder",
  inputs: [],
  attributes: { dtype: ["type", dtype], shape: ["shape", shape] },
});
const unary = (
  name: string,
  op: string,
  input: string,
  dtype = FLOAT,
): NodeDef => ({
  name,
  op,
  inputs: [input],
  attributes: { T: ["type", dtype] },
});
/** y = -x, x of shape [2]. */
const negate = [placeholder("x", [2]), unary("y", "Neg", "x")];

/** A handle on the session's variable `variable`, of shape [size]. */
const variable = (name: string, handle: string, size: number): NodeDef[] => [
  {
    name: handle,
    op: "VarHandleOp",
    inputs: [],
    attributes: {
      dtype: ["type", FLOAT],
      shape: ["shape", [size]],
      shared_name: ["string", name],
      container: ["string", ""],
    },
  },
];
/** The target "set" writes x, of shape [size], into the variable behind `handle`. */
const assign = (handle: string, size = 2): NodeDef[] => [
  placeholder("x", [size]),
  {
    name: "set",
    op: "AssignVariableOp",
    inputs: [handle, "x"],
    attributes: { dtype: ["type", FLOAT] },
  },
];

const feedX = (change: Partial<SessionFeed> = {}): SessionFeed => ({
  name: "x",
  dtype: FLOAT,
  shape: [2],
  data: Float32Array.of(1, 2.5),
  ...change,
});
const request = (change: Partial<SessionRequest> = {}): SessionRequest => ({
  feeds: [feedX()],
  fetches: ["y"],
  targets: [],
  ...change,
});
const floats = (data: ArrayBuffer | undefined) => [
  ...new Float32Array(data ?? new ArrayBuffer(0)),
];
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
/** Hands the addon what its types forbid. */
const wrong = (value: unknown) => value as never;

describe("loading", () => {
  test("the engine names TensorFlow's and TensorFlow.js's pinned versions", () => {
    expect(engine.info).toMatchObject({
      tensorflow: "2.18.1",
      tfjs: "4.22.0",
      threads: 1,
    });
    expect(addon.version()).toBe("2.18.1");
    expect(engine.tf.getBackend()).toBe("tensorflow");
  });

  test("there is one tfjs-core: an import of it is what the kernels use, gradients and chained operations included", () => {
    expect(tfOfThisModule.Tensor).toBe(engine.tf.Tensor);
    expect(tfOfThisModule.engine()).toBe(engine.tf.engine());
    const gradient = tfOfThisModule.tidy(() =>
      tfOfThisModule
        .grad((x) => x.square().sum())(tfOfThisModule.tensor1d([3, -4]))
        .dataSync(),
    );
    expect([...gradient]).toEqual([6, -8]);
    expect(engine.tf.memory().numTensors).toBe(0);
  });

  test("loading again with the same settings gives the same handle; other settings are an error", () => {
    expect(loadEngine({ ...options, interOpThreads: 1 })).toBe(engine);
    expect(() => loadEngine({ ...options, threads: 2 })).toThrow(
      /loaded already/,
    );
    expect(() => loadEngine({ ...options, threads: 0 })).toThrow(RangeError);
  });

  test("settings reach TensorFlow through its environment, and proxies are gone", () => {
    expect(process.env).toMatchObject({
      TF_ENABLE_ONEDNN_OPTS: "1",
      TF_NUM_INTRAOP_THREADS: "1",
      TF_NUM_INTEROP_THREADS: "1",
      TF_FORCE_GPU_ALLOW_GROWTH: "true",
    });
    expect(process.env).not.toHaveProperty("http_proxy");
    expect(process.env).not.toHaveProperty("HTTPS_PROXY");
  });
});

describe("a run", () => {
  test("computes from feeds to fetches, with shapes and types", async () => {
    const results = await addon.run(
      open(negate),
      request({ fetches: ["y", "y:0"] }),
    );
    expect(results.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual([
      { shape: [2], dtype: FLOAT },
      { shape: [2], dtype: FLOAT },
    ]);
    expect(floats(results[0]?.data)).toEqual([-1, -2.5]);
    expect(floats(results[1]?.data)).toEqual([-1, -2.5]);
    expect(results.metadata).toBeUndefined();
  });

  test("accepts every flat type and hands the bytes back unchanged", async () => {
    const cases: [number, NodeJS.TypedArray][] = [
      [1, Float32Array.of(1.5, -2)],
      [2, Float64Array.of(1.5, -2)],
      [3, Int32Array.of(-1, 7)],
      [4, Uint8Array.of(0, 255)],
      [6, Int8Array.of(-128, 127)],
      [9, BigInt64Array.of(-1n, 2n ** 40n)],
      [10, Uint8Array.of(1, 0)],
      [14, Uint16Array.of(0x3f80, 0xc000)], // bfloat16: 1, -2
      [19, Uint16Array.of(0x3c00, 0xc000)], // float16: 1, -2
    ];
    for (const [dtype, data] of cases) {
      const session = open([
        placeholder("x", [2], dtype),
        unary("y", "Identity", "x", dtype),
      ]);
      const [result] = await addon.run(
        session,
        request({ feeds: [feedX({ dtype, data })] }),
      );
      const sent = new Uint8Array(
        data.buffer,
        data.byteOffset,
        data.byteLength,
      );
      expect(new Uint8Array(result?.data ?? new ArrayBuffer(0))).toEqual(sent);
      expect(result?.dtype).toBe(dtype);
    }
  });

  test("takes views into larger buffers, DataViews, ArrayBuffers and shared memory", async () => {
    const session = open(negate);
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    const part = new Float32Array(8).subarray(3, 5);
    const whole = new Float32Array(2);
    for (const view of [shared, part, whole]) view.set([3, 4]);
    for (const data of [
      shared,
      part,
      whole,
      whole.buffer,
      new DataView(part.buffer, 12, 8),
    ]) {
      const [result] = await addon.run(
        session,
        request({ feeds: [feedX({ data: wrong(data) })] }),
      );
      expect(floats(result?.data)).toEqual([-3, -4]);
    }
  });

  test("copies its feeds before it returns, so that the caller may reuse the buffer", async () => {
    const data = Float32Array.of(1, 2);
    const running = addon.run(
      open(negate),
      request({ feeds: [feedX({ data })] }),
    );
    data.fill(99);
    const [result] = await running;
    expect(floats(result?.data)).toEqual([-1, -2]);
  });

  test("handles scalars and empty tensors", async () => {
    const session = open([placeholder("x", null), unary("y", "Neg", "x")]);
    const run = async (shape: number[], data: Float32Array) =>
      (
        await addon.run(session, request({ feeds: [feedX({ shape, data })] }))
      )[0];
    const scalar = await run([], Float32Array.of(5));
    expect([scalar?.shape, floats(scalar?.data)]).toEqual([[], [-5]]);
    const empty = await run([0, 3], new Float32Array(0));
    expect([empty?.shape, empty?.data.byteLength]).toEqual([[0, 3], 0]);
  });

  test("returns RunMetadata when asked for it", async () => {
    const traced = Uint8Array.of(8, 3); // RunOptions.trace_level = FULL_TRACE
    const results = await addon.run(
      open(negate),
      request({ options: traced, metadata: true }),
    );
    expect(results.metadata?.byteLength).toBeGreaterThan(100);
  });

  test("keeps the event loop free: timers fire while TensorFlow computes", async () => {
    const side = 1000;
    const session = open([
      placeholder("x", [side, side]),
      {
        name: "y",
        op: "MatMul",
        inputs: ["x", "x"],
        attributes: { T: ["type", FLOAT] },
      },
      {
        name: "z",
        op: "MatMul",
        inputs: ["y", "y"],
        attributes: { T: ["type", FLOAT] },
      },
    ]);
    let turns = 0;
    const turn = () => {
      turns += 1;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    const data = new Float32Array(side * side);
    const feeds = [feedX({ shape: [side, side], data })];
    await addon.run(session, { feeds, fetches: [], targets: ["z"] });
    clearImmediate(next);
    // A blocking run would be over at its first turn.
    expect(turns).toBeGreaterThan(10);
  });

  test("runs may overlap on one session, and each gets its own results", async () => {
    const session = open(negate);
    const runs = Array.from({ length: 20 }, (_, k) =>
      addon.run(
        session,
        request({ feeds: [feedX({ data: Float32Array.of(-k, k) })] }),
      ),
    );
    const first = (await Promise.all(runs)).map(
      ([result]) => floats(result?.data)[0],
    );
    expect(first).toEqual(Array.from({ length: 20 }, (_, k) => k));
  });
});

describe("wrong arguments are errors with TensorFlow's code, and the session goes on", () => {
  const cases: [string, SessionRequest, string, RegExp][] = [
    [
      "no such feed",
      request({ feeds: [feedX({ name: "q" })] }),
      "TF5",
      /no node "q"/,
    ],
    ["no such fetch", request({ fetches: ["q"] }), "TF5", /no node "q"/],
    ["no such target", request({ targets: ["q"] }), "TF5", /no node "q"/],
    [
      "an output beyond the last",
      request({ fetches: ["y:1"] }),
      "TF5",
      /has 1 outputs/,
    ],
    [
      "an output index that is no number",
      request({ fetches: ["y:-1"] }),
      "TF3",
      /not the name/,
    ],
    [
      "an output index beyond all",
      request({ fetches: ["y:99999999999"] }),
      "TF3",
      /not the name/,
    ],
    [
      "too few bytes",
      request({ feeds: [feedX({ data: new Float32Array(1) })] }),
      "TF3",
      /4 bytes.*needs 8/,
    ],
    [
      "too many bytes",
      request({ feeds: [feedX({ data: new Float32Array(3) })] }),
      "TF3",
      /12 bytes.*needs 8/,
    ],
    [
      "another shape than the graph's",
      request({ feeds: [feedX({ shape: [1, 2] })] }),
      "TF3",
      /\[1,2\].*declares \[2\]/,
    ],
    [
      "another type than the graph's",
      request({ feeds: [feedX({ dtype: INT32 })] }),
      "TF3",
      /declares 1/,
    ],
    [
      "a negative dimension",
      request({ feeds: [feedX({ shape: [-2] })] }),
      "TF3",
      /whole number/,
    ],
    [
      "a broken dimension",
      request({ feeds: [feedX({ shape: [NaN] })] }),
      "TF3",
      /whole number/,
    ],
    [
      "a shape beyond all memory",
      request({ feeds: [feedX({ shape: [2 ** 53 - 1, 2 ** 53 - 1] })] }),
      "TF3",
      /declares|too large/,
    ],
    [
      "more dimensions than TensorFlow has",
      request({
        feeds: [feedX({ shape: Array.from({ length: 300 }, () => 1) })],
      }),
      "TF3",
      /254/,
    ],
    [
      "the same feed twice",
      request({ feeds: [feedX(), feedX()] }),
      "TF3",
      /fed|twice|multiple/i,
    ],
    ["a feed left out", request({ feeds: [] }), "TF3", /feed/],
    [
      "strings as bytes",
      request({ feeds: [feedX({ dtype: STRING })] }),
      "TF3",
      /cannot be fed/,
    ],
    [
      "a type that does not exist",
      request({ feeds: [feedX({ dtype: 1e6 })] }),
      "TF3",
      /cannot be fed/,
    ],
    [
      "feeds that are no list",
      request({ feeds: wrong("x") }),
      "TF3",
      /expected an array/,
    ],
    [
      "a feed that is no object",
      request({ feeds: [wrong(7)] }),
      "TF3",
      /expected an object/,
    ],
    [
      "data that is a list",
      request({ feeds: [feedX({ data: wrong([1, 2]) })] }),
      "TF3",
      /typed array/,
    ],
    [
      "a name that is no string",
      request({ fetches: [wrong({})] }),
      "TF3",
      /expected a string/,
    ],
    [
      "options that are no protocol buffer",
      request({ options: Uint8Array.of(255, 255, 255) }),
      "TF3",
      /RunOptions|parse/i,
    ],
    [
      "metadata that is no boolean",
      request({ metadata: wrong(1) }),
      "TF3",
      /true or false/,
    ],
    ["no request", wrong(null), "TF3", /expected an object/],
  ];
  test.each(cases)("%s", async (_, wrongRequest, code, message) => {
    const session = open(negate);
    const run = async () => addon.run(session, wrongRequest);
    await expect(run()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    const [result] = await addon.run(session, request());
    expect(floats(result?.data)).toEqual([-1, -2.5]);
  });

  test("a getter that throws passes its own error on", () => {
    const feed = {
      ...feedX(),
      get data(): never {
        throw new TypeError("mine");
      },
    };
    expect(() => addon.run(open(negate), request({ feeds: [feed] }))).toThrow(
      new TypeError("mine"),
    );
  });

  test("a getter that takes the buffer away leaves a size error, not a stale pointer", () => {
    const data = new Float32Array(2);
    const feed = {
      ...feedX({ data }),
      get shape() {
        structuredClone(data.buffer, { transfer: [data.buffer] });
        return [2];
      },
    };
    expect(() => addon.run(open(negate), request({ feeds: [feed] }))).toThrow(
      /0 bytes/,
    );
  });

  test("a graph that is none, a config that is none and a target that is none", () => {
    const bytes = Uint8Array.of(255, 255, 255);
    expect(() => addon.newSession(bytes, null, "")).toThrow(
      expect.objectContaining({ code: "TF3" }) as Error,
    );
    expect(() => addon.newSession(graphDef(negate), bytes, "")).toThrow(
      expect.objectContaining({ code: "TF3" }) as Error,
    );
    expect(() =>
      addon.newSession(graphDef(negate), null, "nowhere://x"),
    ).toThrow(/nowhere/);
    expect(() => addon.newSession(wrong("x"), null, "")).toThrow(/typed array/);
    expect(() =>
      addon.newSession(graphDef(negate), null, wrong(undefined)),
    ).toThrow(/expected a string/);
  });

  test("things that are no session are refused", () => {
    for (const thing of [
      undefined,
      null,
      7,
      "x",
      {},
      [],
      () => 1,
      new Proxy({}, {}),
    ])
      expect(() => addon.run(wrong(thing), request())).toThrow(
        /expected a session/,
      );
  });

  test("a fetch of strings is refused before it runs", () => {
    const session = open([placeholder("x", [], STRING)]);
    expect(() =>
      addon.run(session, request({ feeds: [], fetches: ["x"] })),
    ).toThrow(/cannot be read as bytes/);
  });
});

describe("the life of a session", () => {
  test("a graph grows by extendSession, and shares variables by name with what was there", async () => {
    const session = open([...variable("v", "first", 2), ...assign("first")]);
    const feeds = [feedX()];
    await addon.run(session, { feeds, fetches: [], targets: ["set"] });
    const reading = graphDef([
      ...variable("v", "second", 2),
      {
        ...unary("read", "ReadVariableOp", "second"),
        attributes: { dtype: ["type", FLOAT] },
      },
    ]);
    addon.extendSession(session, reading);
    const [result] = await addon.run(session, {
      feeds: [],
      fetches: ["read"],
      targets: [],
    });
    expect(floats(result?.data)).toEqual([1, 2.5]);
    expect(() => addon.extendSession(session, reading)).toThrow(
      /already exists/,
    );
  });

  test("closing is refused while a run is in progress, and twice is once", async () => {
    const session = open(negate);
    const running = addon.run(session, request());
    expect(() => addon.closeSession(session)).toThrow(
      expect.objectContaining({ code: "TF9" }) as Error,
    );
    await running;
    addon.closeSession(session);
    addon.closeSession(session);
    expect(() => addon.run(session, request())).toThrow(/closed/);
  });

  test("a thousand runs leave no memory behind", async () => {
    const size = 250_000;
    const session = open([placeholder("x", [size]), unary("y", "Neg", "x")]);
    const data = new Float32Array(size);
    const feeds = [feedX({ shape: [size], data })];
    const run = async (count: number) => {
      for (let k = 0; k < count; k++)
        await addon.run(session, request({ feeds }));
    };
    await run(100);
    const before = process.memoryUsage.rss();
    await run(1000);
    // A leak of one result, or of one feed, per run would be a gigabyte.
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
  });

  test("sessions that are dropped without closing are freed when collected", async () => {
    const size = 2_500_000;
    const graph = graphDef([
      ...variable("v", "handle", size),
      ...assign("handle", size),
    ]);
    const feeds = [feedX({ shape: [size], data: new Float32Array(size) })];
    const before = process.memoryUsage.rss();
    for (let k = 0; k < 100; k++) {
      const session = addon.newSession(graph, null, "");
      await addon.run(session, { feeds, fetches: [], targets: ["set"] });
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    // 100 variables of 10 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(400e6);
  });

  test("worker threads can load the addon and end in the middle of a run", async () => {
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      const addon = require(workerData.path);
      const session = addon.newSession(workerData.graph, null, "");
      const data = new Float32Array(2);
      const run = () => addon.run(session, { feeds: [{ name: "x", dtype: 1, shape: [2], data }], fetches: ["y"], targets: [] });
      (async () => {
        await run();
        parentPort.postMessage(addon.version());
        for (;;) await run();
      })();
    `;
    const workerData = {
      path: join(directory, sessionName),
      graph: graphDef(negate),
    };
    for (let k = 0; k < 3; k++) {
      const worker = new Worker(code, { eval: true, workerData });
      const message = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      expect(message).toBe("2.18.1");
      expect(await worker.terminate()).toBe(1);
    }
    const [result] = await addon.run(open(negate), request());
    expect(floats(result?.data)).toEqual([-1, -2.5]);
  });
});
