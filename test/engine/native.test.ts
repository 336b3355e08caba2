/** Loading the native engine, and what is said when it cannot be. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import * as tfOfThisModule from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sessionName } from "../../src/engine/location.ts";
import { loadEngine, type Engine } from "../../src/engine/native.ts";
import { engineOptions as options } from "../support/native-session.ts";

/** First in this file: a process that has its engine looks for no other. */
describe("without a usable engine there is one error that names the remedy", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "hueline-native-"));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test("missing", () => {
    const directory = join(root, "nowhere");
    expect(() => loadEngine({ ...options, directory })).toThrow(
      expect.objectContaining({
        code: "engine.missing",
        message: expect.stringContaining(directory) as string,
        hint: expect.stringMatching(
          /^npm run engine;.*HUELINE_ENGINE/,
        ) as string,
      }) as Error,
    );
  });

  test("half-built", () => {
    const directory = join(root, "half");
    mkdirSync(directory);
    expect(() => loadEngine({ ...options, directory })).toThrow(
      expect.objectContaining({
        code: "engine.broken",
        message: expect.stringContaining("engine.json") as string,
        hint: expect.stringMatching(
          /^npm run engine -- --force;.*HUELINE_ENGINE/,
        ) as string,
      }) as Error,
    );
  });

  test("complete to the eye, but its addon does not load", () => {
    const directory = join(root, "rubbish");
    mkdirSync(directory);
    for (const name of readdirSync(options.directory))
      symlinkSync(join(options.directory, name), join(directory, name));
    const path = join(directory, sessionName);
    const { size } = statSync(path);
    rmSync(path);
    writeFileSync(path, Buffer.alloc(size));
    expect(() => loadEngine({ ...options, directory })).toThrow(
      expect.objectContaining({
        code: "engine.broken",
        message: expect.stringContaining(
          "session.node does not load",
        ) as string,
      }) as Error,
    );
  });

  test("in a worker thread, whose environment does not reach TensorFlow", async () => {
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(workerData.module)
        .then(({ loadEngine }) => loadEngine(workerData.options))
        .catch((error) => parentPort.postMessage(error.message));
    `;
    const module = new URL("../../src/engine/native.ts", import.meta.url).href;
    const worker = new Worker(code, {
      eval: true,
      workerData: { module, options },
    });
    const message = await new Promise((resolve) =>
      worker.once("message", resolve),
    );
    expect(message).toMatch(/main thread only/);
    await worker.terminate();
  });
});

describe("loading", () => {
  let engine: Engine;
  beforeAll(() => {
    engine = loadEngine(options);
  });

  test("the engine names TensorFlow's and TensorFlow.js's pinned versions", () => {
    expect(engine.info).toMatchObject({
      tensorflow: "2.18.1",
      tfjs: "4.22.0",
      threads: 1,
    });
    expect(engine.session.version()).toBe("2.18.1");
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
