/** `bench/cluster.ts simulated`: 100,000 tasks planned and driven to their end, where every attempt succeeds at once. */
import { systemClock } from "../src/base/clock.ts";
import { silentLogger } from "../src/base/log.ts";
import { drive } from "../src/executor/drive.ts";
import { createPlan, placesOf } from "../src/plan/create-plan.ts";
import { parsePipeline } from "../src/spec/parse.ts";
import { createMemoryStore } from "../src/store/memory.ts";
import { createRun } from "../src/store/runs/run-records.ts";
import { createFakeExecutor } from "../test/support/fake-executor.ts";
import { fanPipeline } from "./support/cluster/pipelines.ts";

const TASKS = 100_000;
/** How many at once: what is decided of all is decided so many times less. */
const CPUS = 5_000;
const LIMITS = { wallS: 60, memoryGB: 2 };

const startMs = performance.now();
const parsed = parsePipeline(fanPipeline(TASKS));
if (!parsed.ok) throw new Error("the pipeline is wrong");
const sources = new Map(
  placesOf(parsed.spec).map(({ place }) => [place, `${place}@1`]),
);
const plan = createPlan(parsed.spec, { sources });
const plannedMs = performance.now();
const store = createMemoryStore();
await createRun(store, { run: "simulated", plan, pipelineText: "" });
let turns = 0;
const executor = createFakeExecutor({
  clock: systemClock,
  capacity: { cpu: CPUS, memoryBytes: CPUS * 2 ** 30, gpu: 0 },
  script: () => ({ exitCode: 0 }),
});
const { phase, counts } = await drive({
  plan,
  run: "simulated",
  store,
  clock: systemClock,
  log: silentLogger,
  signal: new AbortController().signal,
  holdsLease: () => true,
  executor: {
    ...executor,
    observe(of) {
      turns++;
      return executor.observe(of);
    },
  },
  listener: () => undefined,
});
const seconds = (ms: number): number => Math.round(ms) / 1000;
const endMs = performance.now();
const wallS = seconds(endMs - startMs);
const { user, system } = process.cpuUsage();
const memoryGB = Math.round(process.resourceUsage().maxRSS / 1e3) / 1e3;
const isWithinLimits =
  phase === "Succeeded" &&
  counts.Succeeded === plan.tasks.length &&
  wallS < LIMITS.wallS &&
  memoryGB < LIMITS.memoryGB;
if (!isWithinLimits) process.exitCode = 1;
const figures = {
  case: "simulated",
  tasks: plan.tasks.length,
  phase,
  turns,
  wallS,
  planS: seconds(plannedMs - startMs),
  driveS: seconds(endMs - plannedMs),
  cpuS: seconds((user + system) / 1000),
  memoryGB,
  limits: LIMITS,
  isWithinLimits,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
