/** The worker process of tests: `main.ts worker` with the counting stage for every kind. */
import os from "node:os";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { openStore } from "../../src/store/open-store.ts";
import { runWorker } from "../../src/worker/run-task.ts";
import { countingStage } from "./counting-stage.ts";

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "" },
    run: { type: "string", default: "" },
    task: { type: "string", default: "" },
    grace: { type: "string", default: "" },
  },
});
const stopping = new AbortController();
process.on("SIGTERM", () => {
  stopping.abort("SIGTERM");
});
process.stdin.on("end", () => {
  stopping.abort("the driver is gone");
});
process.stdin.resume();

const log = pino(
  { base: null, formatters: { level: (label) => ({ level: label }) } },
  pino.destination({ dest: 1, sync: true }),
);
const code = await runWorker({
  store: openStore(values.store, { currentFolder: process.cwd() }),
  run: values.run,
  task: values.task,
  engineDirectory: "/nowhere",
  signal: stopping.signal,
  log,
  stages: {
    shard: countingStage,
    catalog: countingStage,
    concat: countingStage,
    "label-map": countingStage,
    initialize: countingStage,
    pretrain: countingStage,
    finetune: countingStage,
    evaluate: countingStage,
    compare: countingStage,
    convert: countingStage,
    report: countingStage,
  },
  facts: {
    hueline: "0.0.0",
    node: process.version,
    tensorflow: null,
    host: os.hostname(),
    pid: process.pid,
    usage: () => ({
      cpuMs: process.cpuUsage().user / 1000,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    }),
  },
});
// Not `process.exit`: stdin is still open, and its end would be waited for.
process.exitCode = code;
process.stdin.unref?.();
