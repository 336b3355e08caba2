/** A run's status for people: the phase, the counts, a table of its stages, a line for everything that needs a word. */
import type { TaskProgress } from "../executor/executor.ts";
import { formatDuration } from "../report/format.ts";
import type { RunStatus } from "../run/status.ts";
import { formatTable, type Paint } from "./output.ts";
import { progressDetail } from "./progress-detail.ts";

/** Text of several lines. */
export function formatStatus(
  view: {
    readonly run: string;
    readonly status: RunStatus;
    /** Since somebody looked at the run; null: it is looked at all the time. */
    readonly ageMs: number | null;
    /** How far running tasks are. */
    readonly progress?: readonly TaskProgress[];
    /** False: the run has not ended and nobody looks after it. */
    readonly isDriven?: boolean;
  },
  paint: Paint,
): string {
  const { run, status: value, ageMs } = view;
  const colour =
    value.phase === "Succeeded"
      ? "green"
      : value.phase === "Failed"
        ? "red"
        : "yellow";
  const { counts } = value;
  const head = `${paint("bold", run)}  ${paint(colour, value.phase)}${value.reason === "" ? "" : `: ${value.reason}`}`;
  const seen =
    ageMs === null ? "" : `; seen ${formatDuration(Math.max(0, ageMs))} ago`;
  const sums = `${counts.Succeeded}/${counts.total} done, ${counts.cached} cached, ${counts.Running} running, ${counts.Failed} failed${seen}`;
  const table = formatTable(value.stages, [
    { title: "stage", value: ({ stage }) => stage },
    { title: "kind", value: ({ kind }) => kind },
    {
      title: "done",
      value: ({ succeeded, tasks }) => `${succeeded}/${tasks}`,
      align: "right",
    },
    { title: "cached", value: ({ cached }) => String(cached), align: "right" },
    {
      title: "running",
      value: ({ running }) => String(running),
      align: "right",
    },
    { title: "failed", value: ({ failed }) => String(failed), align: "right" },
  ]);
  const running = (view.progress ?? []).map(
    (progress) =>
      `  ${"running".padEnd(9)} ${progress.task}: ${progress.step}/${progress.steps} ${progressDetail(progress)}`,
  );
  const orphaned =
    view.isDriven === false
      ? ["  nobody drives this run now: run the same file again to go on"]
      : [];
  const reasons = value.notes
    .filter(({ reason }) => reason !== "")
    .map(
      ({ task, phase, reason }) =>
        `  ${phase.toLowerCase().padEnd(9)} ${task}: ${reason}`,
    );
  const notes = [...orphaned, ...running, ...reasons];
  return [
    head,
    sums,
    "",
    table + (notes.length > 0 ? `\n${notes.join("\n")}\n` : ""),
  ].join("\n");
}
