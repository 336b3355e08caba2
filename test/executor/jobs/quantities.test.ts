import { expect, it } from "vitest";
import {
  bytesQuantity,
  cpuQuantity,
} from "../../../src/executor/jobs/quantities.ts";

it.each([
  [1, "1"],
  [0.5, "500m"],
  [2.25, "2250m"],
  [0.0001, "1m"],
  [0.1 + 0.2, "300m"],
])("writes %d cores as %s", (cores, want) => {
  expect(cpuQuantity(cores)).toBe(want);
});

it.each([
  [48 * 2 ** 30, "48Gi"],
  [1.5 * 2 ** 30, "1536Mi"],
  [3 * 2 ** 10, "3Ki"],
  [1_000_000_000, "1000000000"],
])("writes %d bytes as %s", (bytes, want) => {
  expect(bytesQuantity(bytes)).toBe(want);
});
