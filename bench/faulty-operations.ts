/**
 * Random operations of the store's port by several clients against a server a third of whose answers are refused, cut,
 * damaged, late, lost or never given; a model says what must be there.
 *
 *   node bench/faulty-operations.ts [--operations 20000] [--seed 1]
 *
 * Prints one JSON line; exits with 1 if wrong bytes were given out, an acknowledged write was lost, a condition had two
 * winners, or an error was not one of the network's.
 */
import { parseArgs } from "node:util";
import { runFaultyOperations } from "../test/support/faulty-operations/run-faulty-operations.ts";

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
  },
});
const startMs = performance.now();
const run = await runFaultyOperations({
  operations: Number(values.operations),
  seed: Number(values.seed),
});
const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, count) => total + count, 0);
console.log(
  JSON.stringify({
    seed: Number(values.seed),
    operations: sum(run.operations),
    byOperation: Object.fromEntries(run.operations),
    requests: run.requests,
    faults: Object.fromEntries(run.faults),
    failed: Object.fromEntries(run.errors),
    findings: run.findings,
    seconds: Math.round((performance.now() - startMs) / 1000),
  }),
);
process.exitCode = run.findings.length === 0 ? 0 : 1;
