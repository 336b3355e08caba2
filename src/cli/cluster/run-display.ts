/** A Run while it is watched: what changes is a line; on a terminal a block under it is drawn anew every second. */
import { formatDuration } from "../../report/format.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Environment } from "../environment.ts";
import { createDisplay } from "../live.ts";
import { painterFor } from "../output.ts";
import { describeChange } from "./describe-change.ts";
import { createProgressReader } from "./progress-reader.ts";
import { toSeen } from "./run-view.ts";

const DRAW_EVERY_MS = 1000;
const STAMP_WIDTH = 11;

export type RunDisplay = {
  show(run: Run): void;
  /** Removes the block. */
  end(): Promise<void>;
};

export function createRunDisplay(environment: Environment): RunDisplay {
  const { clock, stderr, variables } = environment;
  const paint = painterFor(stderr, variables);
  const display = createDisplay(stderr, paint);
  const progress = createProgressReader(environment, display.line);
  const over = new AbortController();
  let last: Run | undefined;

  const draw = (run: Run): void => {
    const status = toSeen(run);
    if (status === null || !display.isLive) return;
    const { name } = run.metadata;
    const known = progress.of(run);
    const elapsedMs = elapsedOf(run, clock.now());
    display.draw({ run: name, status, progress: known, elapsedMs });
  };
  const drawOften = async (): Promise<void> => {
    while (display.isLive && !over.signal.aborted) {
      await clock.sleep(DRAW_EVERY_MS, over.signal);
      if (last !== undefined && !over.signal.aborted) draw(last);
    }
  };
  const drawing = drawOften();

  return {
    show(run) {
      if (isStale(run)) return;
      const elapsed = formatDuration(elapsedOf(run, clock.now()));
      const stamp = paint("dim", elapsed.padStart(STAMP_WIDTH));
      for (const line of describeChange(last, run, paint))
        display.line(`${stamp}  ${line}`);
      last = run;
      draw(run);
    },
    async end() {
      over.abort();
      await drawing;
      display.end();
    },
  };
}

/** Its status is of what was asked before: of no interest a moment later. */
function isStale({ metadata, status }: Run): boolean {
  return (status?.observedGeneration ?? 0) < (metadata.generation ?? 0);
}

function elapsedOf({ status, metadata }: Run, nowMs: number): number {
  const since = status?.startedAt ?? metadata.creationTimestamp ?? "";
  return Math.max(0, nowMs - Date.parse(since)) || 0;
}
