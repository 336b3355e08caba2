import { expect, test } from "vitest";
import {
  createTransferDisplay,
  formatTransfer,
} from "../../src/cli/transfer-display.ts";
import { createMemoryOutput } from "../support/cli.ts";
import { createManualClock } from "../support/manual-clock.ts";

const MiB = 2 ** 20;
const at = (doneMiB: number, doneFiles: number) => ({
  doneBytes: doneMiB * MiB,
  totalBytes: 100 * MiB,
  doneFiles,
  totalFiles: 4,
});

test("a transfer is told in files, bytes, rate and time left, the last two once they are known", () => {
  expect(formatTransfer(at(25, 1), null)).toBe(
    "1/4 files  25.0 MiB of 100.0 MiB",
  );
  expect(formatTransfer(at(25, 1), 10 * MiB)).toBe(
    "1/4 files  25.0 MiB of 100.0 MiB  10.0 MiB/s  7.5 s left",
  );
});

test("on a terminal one line is drawn over itself, at most ten times a second, and removed at the end", () => {
  const clock = createManualClock();
  const stderr = createMemoryOutput({ isTerminal: true });
  const display = createTransferDisplay({ clock, stderr });
  for (let step = 0; step < 100; step++) {
    clock.advance(10);
    display.show(at(step, 0));
  }
  display.end();
  const drawn = stderr.text().split("\r\u001B[K");
  expect(drawn).toHaveLength(12);
  expect(drawn.at(-1)).toBe("");
  expect(drawn[5]).toContain("100.0 MiB/s");
});

test("elsewhere a plain line comes every 15 seconds, with the rate of the last five", () => {
  const clock = createManualClock();
  const stderr = createMemoryOutput();
  const display = createTransferDisplay({ clock, stderr });
  for (let second = 1; second <= 40; second++) {
    clock.advance(1000);
    display.show(at(second, 0));
  }
  display.end();
  expect(stderr.text()).toBe(
    "0/4 files  15.0 MiB of 100.0 MiB  1.0 MiB/s  1 min 25 s left\n" +
      "0/4 files  30.0 MiB of 100.0 MiB  1.0 MiB/s  1 min 10 s left\n",
  );
});
