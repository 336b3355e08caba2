/** Whoever reads our output may go away, as `head` does: that is no error of ours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

test.each([
  { stream: "stderr", args: ["validate", "no-such-file.yaml"], want: 65 },
  { stream: "stdout", args: ["completion", "bash"], want: 0 },
] as const)(
  "a closed $stream does not change the exit code",
  async ({ stream, args, want }) => {
    const child = spawn(process.execPath, [main, ...args]);
    child[stream].destroy();
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(want);
  },
);
