import { describe, expect, it } from "vitest";
import {
  judgeQuota,
  parseQuantity,
  type ResourceQuota,
} from "../../../src/controller/runs/quota.ts";

const quota = (hard: Readonly<Record<string, string>>): ResourceQuota => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "team" },
  spec: { hard },
});
const small = { cpu: 1, memoryBytes: 2 ** 30, gpu: 0 };
const large = { cpu: 8, memoryBytes: 48 * 2 ** 30, gpu: 2 };
const gpus = "nvidia.com/gpu";

describe("judgeQuota", () => {
  it("fits where nothing limits, or every limit holds the largest task", () => {
    expect(judgeQuota([], [small, large], gpus)).toBe("fits");
    const hard = { "requests.cpu": "8", "requests.nvidia.com/gpu": "2" };
    expect(judgeQuota([quota(hard)], [small, large], gpus)).toBe("fits");
  });

  it("names the quota that can never hold a task, with both figures", () => {
    const hard = { "limits.memory": "32Gi", "requests.nvidia.com/gpu": "1" };
    const verdict = judgeQuota([quota(hard)], [small, large], gpus);
    expect(verdict).toContain(
      "a task needs 2 of requests.nvidia.com/gpu, quota 'team' has 1",
    );
    expect(verdict).toContain("limits.memory, quota 'team' has 32Gi");
  });
});

describe("parseQuantity", () => {
  it.each([
    ["500m", 0.5],
    ["2", 2],
    ["1.5Gi", 1.5 * 2 ** 30],
    ["1e3", 1000],
    ["3k", 3000],
  ])("reads %s", (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  it("lets what it does not understand limit nothing", () => {
    expect(parseQuantity("plenty")).toBe(Infinity);
    expect(parseQuantity("5Qi")).toBe(Infinity);
  });
});
