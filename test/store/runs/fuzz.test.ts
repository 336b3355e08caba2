import { describe, expect, it } from "vitest";
import { fuzz } from "../../support/fuzz/fuzz.ts";
import { recordTargets } from "../../support/fuzz/record-targets.ts";

// The same by the hundred thousand: bench/fuzz.ts.
describe("hostile records of runs", () => {
  it.each(recordTargets.map((target) => [target.name, target] as const))(
    "as %s are read or refused, never thrown at, in bounded time and memory",
    async (_, target) => {
      const report = await fuzz(target, { cases: 1500, seed: 1 });
      expect(report.failure).toBeNull();
      // A reader that refuses everything, or reads anything, was not tested.
      expect(report.accepted).toBeGreaterThan(0);
      expect(report.accepted).toBeLessThan(report.cases);
    },
  );
});
