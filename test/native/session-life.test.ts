/** How long native sessions, their memory and the addon live. */
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { graphDef } from "../../src/engine/graph/proto.ts";
import { sessionName } from "../../src/engine/location.ts";
import {
  FLOAT,
  assign,
  engineOptions,
  feedX,
  floats,
  negate,
  placeholder,
  request,
  unary,
  useSessions,
  variable,
} from "../support/native-session.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const { addon, open } = useSessions();

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
      path: join(engineOptions.directory, sessionName),
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
