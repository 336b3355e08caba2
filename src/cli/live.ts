/**
 * Progress of a run for people. On a terminal a block of lines is drawn over itself; elsewhere every transition is one
 * plain line and long work reports itself now and then. `frame` is pure; the display only decides when to draw.
 */
import type { TaskProgress } from "../executor/executor.ts";
import { formatDuration } from "../report/format.ts";
import type { RunStatus } from "../run/status.ts";
import type { TextOutput } from "./environment.ts";
import type { Paint } from "./output.ts";
import { progressDetail } from "./progress-detail.ts";

export type View = {
  readonly run: string;
  readonly status: RunStatus;
  readonly progress: readonly TaskProgress[];
  readonly elapsedMs: number;
};

const BAR_WIDTH = 20;
/** Rows of running tasks before the rest is only counted. */
const MOST_ROWS = 8;

/** The block of lines that shows a run, none wider than `columns`. */
export function frame(
  view: View,
  columns: number,
  paint: Paint,
): readonly string[] {
  const { counts } = view.status;
  const done = counts.Succeeded;
  const bits = [
    `${bar(done / Math.max(1, counts.total))} ${done}/${counts.total} done`,
    counts.cached > 0 ? `${counts.cached} cached` : "",
    counts.Running > 0 ? `${counts.Running} running` : "",
    counts.Failed > 0 ? `${counts.Failed} failed` : "",
    formatDuration(view.elapsedMs),
  ].filter((bit) => bit !== "");
  const shown = view.progress.slice(0, MOST_ROWS);
  const more = view.progress.length - shown.length;
  const width = Math.max(0, ...shown.map(({ task }) => task.length));
  const rows = shown.map((progress) => progressRow(progress, width));
  // A line that wrapped would count as one when the block is removed. Clipped before it is painted.
  const run = clip(view.run, columns);
  const rest = clip(`  ${bits.join("  ")}`, columns - run.length);
  return [
    `${paint("bold", run)}${rest}`,
    ...[...rows, ...(more > 0 ? [`  and ${more} more`] : [])].map((row) =>
      clip(row, columns),
    ),
  ];
}

function progressRow(progress: TaskProgress, width: number): string {
  const { task, step, steps } = progress;
  const fraction = steps > 0 ? step / steps : 0;
  return `  ${task.padEnd(width)}  ${bar(fraction)} ${step}/${steps}  ${progressDetail(progress)}`;
}

function bar(fraction: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_WIDTH);
  return "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
}

function clip(line: string, columns: number): string {
  if (line.length <= columns) return line;
  return columns <= 0 ? "" : `${line.slice(0, columns - 1)}…`;
}

export type Display = {
  /** Whether `draw` shows anything: a person looks. */
  readonly isLive: boolean;
  /** Draws the block again, where there is one. */
  draw(view: View): void;
  /** A line that stays. */
  line(text: string): void;
  /** Removes the block. */
  end(): void;
};

/** The display for an output: a block on a terminal, lines elsewhere. */
export function createDisplay(output: TextOutput, paint: Paint): Display {
  let drawn = 0;
  const clear = (): void => {
    if (drawn > 0) output.write(`\u001B[${drawn}A\u001B[0J`);
    drawn = 0;
  };
  return {
    isLive: output.isTerminal,
    draw(view) {
      if (!output.isTerminal) return;
      clear();
      const lines = frame(view, output.columns - 1, paint);
      output.write(`${lines.join("\n")}\n`);
      drawn = lines.length;
    },
    line(text) {
      clear();
      output.write(`${text}\n`);
    },
    end: clear,
  };
}
