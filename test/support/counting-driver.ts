/** The driver process of tests: `hueline run` without a pipeline file. Prints its events as JSON lines. */
import { readFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { runLocally } from "../../src/executor/run-locally.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { openStore } from "../../src/store/open-store.ts";
import { createRun } from "../../src/store/runs/run-records.ts";

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "" },
    run: { type: "string", default: "" },
    plan: { type: "string", default: "" },
  },
});
const stopping = new AbortController();
process.on("SIGTERM", () => {
  stopping.abort("SIGTERM");
});
const store = openStore(values.store, { currentFolder: process.cwd() });
const plan = JSON.parse(readFileSync(values.plan, "utf8")) as Plan;
await createRun(store, { run: values.run, pipelineText: "", plan });
const status = await runLocally({
  store,
  run: values.run,
  plan,
  pipelineText: "",
  command: [
    process.execPath,
    fileURLToPath(new URL("counting-worker.ts", import.meta.url)),
  ],
  capacity: { cpu: 2, memoryBytes: 2 ** 32, gpu: 0 },
  clock: systemClock,
  log: silentLogger,
  signal: stopping.signal,
  listener: (event) => {
    process.stdout.write(`${JSON.stringify(event)}\n`);
  },
  host: os.hostname(),
  pid: process.pid,
});
process.stdout.write(`${JSON.stringify({ kind: "ended", status })}\n`);
