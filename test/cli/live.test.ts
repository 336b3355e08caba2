import { expect, test } from "vitest";
import { createDisplay, frame, type View } from "../../src/cli/live.ts";
import { createMemoryOutput } from "../support/cli.ts";

const plain = (_style: string, text: string): string => text;

function viewOf(tasks: number): View {
  return {
    run: "tiny-12345678",
    elapsedMs: 83_000,
    status: {
      phase: "Running",
      reason: "",
      counts: {
        total: 40,
        cached: 3,
        Pending: 20,
        Running: tasks,
        Succeeded: 10,
        Failed: 0,
        Skipped: 0,
        Cancelled: 0,
      },
      stages: [],
      notes: [],
    },
    progress: Array.from({ length: tasks }, (_, k) => ({
      task: `pretrain-seed-${k}`,
      step: 500,
      steps: 1000,
      detail: `loss 2.51, ${"640 images/s, ".repeat(10)}`,
      waiting: null,
    })),
  };
}

test("the block shows counts, elapsed time and one clipped line per running task", () => {
  const lines = frame(viewOf(2), 80, plain);
  expect(lines[0]).toContain("10/40 done  3 cached  2 running  1 min 23 s");
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^ {2}pretrain-seed-0 {2}█{10}░{10} 500\/1000/);
  for (const line of lines.slice(1))
    expect(line.length).toBeLessThanOrEqual(80);
});

test("a training that stands still says for what", () => {
  const view = viewOf(1);
  const progress = view.progress.map((task) => ({
    ...task,
    detail: "loss 2.51",
    waiting: { for: "decode", share: 0.337 },
  }));
  expect(frame({ ...view, progress }, 120, plain)[1]).toMatch(
    / 500\/1000 {2}loss 2\.51, waiting for: decode \(34 % of the time\)$/,
  );
});

test("more running tasks than fit are counted", () => {
  expect(frame(viewOf(11), 80, plain).at(-1)).toBe("  and 3 more");
});

test("a terminal's block is drawn over itself and a line above it stays", () => {
  const output = createMemoryOutput({ isTerminal: true });
  const display = createDisplay(output, plain);
  display.draw(viewOf(1));
  display.line("one task is done");
  display.draw(viewOf(1));
  display.end();
  expect(output.text().match(/\u001B\[2A/g)).toHaveLength(2);
  expect(output.text()).toContain("one task is done\n");
});

test("elsewhere nothing is drawn and no escape code is written", () => {
  const output = createMemoryOutput();
  const display = createDisplay(output, plain);
  display.draw(viewOf(1));
  display.line("one task is done");
  display.end();
  expect(output.text()).toBe("one task is done\n");
});

test.each([12, 20, 40])(
  "no line of the block is wider than a terminal of %i columns",
  (columns) => {
    for (const line of frame(viewOf(12), columns, plain))
      expect(line.length).toBeLessThanOrEqual(columns);
  },
);
