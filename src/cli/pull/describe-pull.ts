/** What a pull says: while it waits, and at its end what came, what was there, and what is missing. Pure. */
import type { Task } from "../../plan/plan.ts";
import type { RunView } from "../look-at-run.ts";
import { formatBytes } from "../output.ts";
import type { PartialResult } from "./partial-results.ts";
import type { Part, WantedFile } from "./select-files.ts";

const MOST_MISSING = 5;

export type Pulled = {
  readonly run: string;
  /** The destination, which is made only if something comes. */
  readonly folder: string;
  readonly only: Part | undefined;
  readonly finishedTasks: number;
  /** Of finished tasks. */
  readonly files: readonly WantedFile[];
  readonly copied: readonly WantedFile[];
  /** Null: partial results were not asked for. */
  readonly partial: readonly PartialResult[] | null;
  readonly view: RunView;
  /** Tasks that were not committed when they were looked at. */
  readonly missing: readonly Task[];
  /** Whether what was written was read back. */
  readonly isReadBack: boolean;
};

export function pulledToJson(pulled: Pulled) {
  const { run, folder, files, copied, partial, view, missing } = pulled;
  return {
    run,
    folder,
    files: files.length,
    copied: copied.length,
    bytes: bytesOf(copied),
    unfinishedTasks: missing.length,
    missing: missing.map(({ name }) => ({
      task: name,
      phase: phaseOf(view, name),
    })),
    partial: partial ?? [],
  };
}

export function formatPulled(pulled: Pulled): string {
  const { folder, partial, view, missing } = pulled;
  const lines = [formatResults(pulled)];
  for (const { task, step, folder: where, files, bytes } of partial ?? [])
    lines.push(
      `${task} so far, step ${step}: ${folder}/${where}, ${countFiles(files)} (${formatBytes(bytes)})`,
    );
  if (partial?.length === 0 && missing.length > 0)
    lines.push("no task that has not finished has a checkpoint yet");
  if (missing.length > 0)
    lines.push(`${formatMissing(view, missing)}; pull again for the rest`);
  return `${lines.join("\n")}\n`;
}

function formatResults(pulled: Pulled): string {
  const { folder, only, files, copied, finishedTasks, isReadBack } = pulled;
  if (files.length > 0) {
    const checked = isReadBack ? "read back" : "verified";
    return `${folder}: ${countFiles(files.length)}, ${copied.length} copied (${formatBytes(bytesOf(copied))}), checksums ${checked}`;
  }
  if (finishedTasks === 0) return "no results to copy: no task has finished";
  const what = only === undefined ? "" : ` that belong to '--only ${only}'`;
  return `no results to copy: what has finished has no files${what}`;
}

/** `3 tasks have not finished: pretrain-a (Running, 120/3000), …`. */
export function formatMissing(view: RunView, missing: readonly Task[]): string {
  const shown = missing.slice(0, MOST_MISSING).map(({ name }) => {
    const progress = view.progress.find(({ task }) => task === name);
    const at = progress ? `, ${progress.step}/${progress.steps}` : "";
    return `${name} (${phaseOf(view, name)}${at})`;
  });
  const more = missing.length > shown.length ? ", …" : "";
  return `${missing.length} ${missing.length === 1 ? "task has" : "tasks have"} not finished: ${shown.join(", ")}${more}`;
}

/** As the run's last status has it; what it has no word for waits for its turn. */
function phaseOf({ status }: RunView, name: string): string {
  const note = status?.notes.find(({ task }) => task === name);
  return note?.phase ?? "Pending";
}

function bytesOf(files: readonly WantedFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function countFiles(count: number): string {
  return `${count} ${count === 1 ? "file" : "files"}`;
}
