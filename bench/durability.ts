/**
 * Kills workers with -9 while they checkpoint and commit on a server whose answers go wrong, and looks at what they leave.
 *
 *   node bench/durability.ts [--kills 300] [--seed 1]
 *
 * Prints one JSON line; exits with 1 if a checkpoint was corrupt or more than one save old, or a result lost, wrong or double.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { killCheckpoints } from "../test/support/durability/kill-checkpoints.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
  },
});
const folder = mkdtempSync(path.join(tmpdir(), "hueline-durability-"));
try {
  const startMs = performance.now();
  const report = await killCheckpoints({
    kills: Number(values.kills),
    seed: Number(values.seed),
    trace: path.join(folder, "trace.txt"),
  });
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(JSON.stringify({ ...report, seconds }));
  const { corrupt, savesBehind, lost, wrong, duplicates } = report;
  if (corrupt + lost + wrong + duplicates > 0 || savesBehind > 1)
    process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
