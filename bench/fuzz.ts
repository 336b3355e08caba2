/**
 * Hostile input in the long run: every reader of files that others may have written gets so many changed files, and may
 * refuse them or read them, but not crash, hang, or take more memory than its bound. One JSON line a target.
 *
 *     node bench/fuzz.ts [--cases 100000] [--seed 1] [--target NAME] [--from K]
 *
 * A failure names its case: `--target NAME --from K --cases 1` runs it again.
 */
import { parseArgs } from "node:util";
import { dataTargets } from "../test/support/fuzz/data-targets.ts";
import { fuzz, type FuzzTarget } from "../test/support/fuzz/fuzz.ts";
import { recordTargets } from "../test/support/fuzz/record-targets.ts";
import { storeTargets } from "../test/support/fuzz/store-targets.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    target: { type: "string" },
    from: { type: "string", default: "0" },
  },
});

/** Every reader of hostile input, by who owns it. */
const targets: readonly FuzzTarget[] = [
  ...dataTargets,
  ...recordTargets,
  ...storeTargets,
];

const chosen = targets.filter(
  ({ name }) => values.target === undefined || values.target === name,
);
if (chosen.length === 0)
  throw new Error(
    `no target is called '${values.target}': ${targets.map(({ name }) => name).join(", ")}`,
  );

let failures = 0;
for (const target of chosen) {
  const start = performance.now();
  const report = await fuzz(target, {
    cases: Number(values.cases),
    seed: Number(values.seed),
    from: Number(values.from),
  });
  if (report.failure) failures++;
  const wallSeconds = Math.round((performance.now() - start) / 100) / 10;
  process.stdout.write(
    `${JSON.stringify({
      ...report,
      slowestMs: Math.round(report.slowestMs * 10) / 10,
      grownMiB: Math.round(report.grownMiB),
      wallSeconds,
    })}\n`,
  );
}
process.exitCode = failures === 0 ? 0 : 1;
