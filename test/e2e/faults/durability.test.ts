/** Kills during checkpoints and commits on a failing server; the long run is bench/durability.ts. */
import path from "node:path";
import { expect, test } from "vitest";
import { killCheckpoints } from "../../support/durability/kill-checkpoints.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

test("ten kills on a failing server leave sound checkpoints no older than one save, and each task one right result", async () => {
  const folder = await createTemporaryFolder();
  const report = await killCheckpoints({
    kills: 10,
    seed: 1,
    trace: path.join(folder, "trace.txt"),
  });
  expect(report).toMatchObject({
    kills: 10,
    corrupt: 0,
    lost: 0,
    wrong: 0,
    duplicates: 0,
  });
  expect(report.savesBehind).toBeLessThanOrEqual(1);
  expect(report.saves).toBeGreaterThan(0);
  expect(Object.keys(report.faults).length).toBeGreaterThan(3);
}, 300_000);
