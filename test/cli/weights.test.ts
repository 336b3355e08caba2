/** `hueline weights export` and `import`: what is printed where. What is in the files is the stages' to test. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { WeightService } from "../../src/cli/environment.ts";
import { runCli } from "../support/cli.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const service = (leftOut: readonly string[]): WeightService => ({
  importWeights: async () => ({ model: "vgg16", tensors: 30 }),
  exportWeights: async () => ({ leftOut }),
});

async function exportWith(leftOut: readonly string[]) {
  const currentDirectory = await createTemporaryFolder();
  writeFileSync(path.join(currentDirectory, "w"), "");
  const result = await runCli(["weights", "export", "w", "-o", "out"], {
    currentDirectory,
    services: { weights: async () => service(leftOut) },
  });
  return { ...result, want: `${path.join(currentDirectory, "out")}\n` };
}

test("what the other program has no name for is said on stderr, with what keeps it; stdout is the file's name", async () => {
  const { stdout, stderr, exitCode, want } = await exportWith([
    "conv8_1/weight",
    "head/hidden/weight",
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toBe(want);
  expect(stderr).toBe(
    "left out, torchvision has no name for them: conv8_1/weight, head/hidden/weight; --names hueline keeps everything\n",
  );
});

test("where everything has a name, nothing is said", async () => {
  const { stdout, stderr, want } = await exportWith([]);
  expect({ stdout, stderr }).toEqual({ stdout: want, stderr: "" });
});
