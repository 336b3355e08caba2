/** What the driver of a run says, as lines that stay and a block that is drawn again (`live.ts`). */
import type { DriveEvent } from "../executor/drive.ts";
import { formatDuration } from "../report/format.ts";
import type { Display } from "./live.ts";
import type { Paint } from "./output.ts";
import { progressDetail } from "./progress-detail.ts";

/** Plain lines say how long work goes on this often. */
const PLAIN_PROGRESS_MS = 15_000;

/** Turns what the driver says into lines and the live block. */
export function createRunListener(options: {
  readonly run: string;
  readonly display: Display;
  readonly paint: Paint;
  readonly elapsedMs: () => number;
}): (event: DriveEvent) => void {
  const { run, display, paint, elapsedMs } = options;
  const stamp = (): string =>
    paint("dim", formatDuration(elapsedMs()).padStart(8));
  let lastPlainMs = 0;
  return (event) => {
    switch (event.kind) {
      case "driving":
        return;
      case "following":
        display.line(`this run is driven by ${event.driver}: following it`);
        return;
      case "transition": {
        const name = event.task === null ? "" : `${event.task} `;
        const what =
          event.task === null
            ? event.reason
            : `${describe(event.from, event.to)}${event.reason === "" ? "" : `: ${event.reason}`}`;
        const colour =
          event.to === "Failed"
            ? "red"
            : event.to === "Succeeded"
              ? "green"
              : "cyan";
        display.line(`${stamp()}  ${name}${paint(colour, what)}`);
        return;
      }
      case "status": {
        const { status, progress } = event;
        display.draw({ run, status, progress, elapsedMs: elapsedMs() });
        if (
          !display.isLive &&
          elapsedMs() - lastPlainMs >= PLAIN_PROGRESS_MS &&
          progress.length > 0
        ) {
          lastPlainMs = elapsedMs();
          for (const entry of progress)
            display.line(
              `${stamp()}  ${entry.task} ${entry.step}/${entry.steps} ${progressDetail(entry)}`,
            );
        }
        return;
      }
    }
  };
}

function describe(from: string, to: string): string {
  if (to === "Running") return "started";
  if (to === "Succeeded") return "done";
  if (to === "Pending")
    return from === "Running" ? "will be tried again" : "waits";
  return to.toLowerCase();
}
