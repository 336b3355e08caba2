/** What `run` prints when it ends: the verdicts and where the report is, or what failed. */
import { formatDuration } from "../report/format.ts";
import { sayVerdict } from "../report/summary.ts";
import type { RunStatus } from "../run/status.ts";
import { formatStatus } from "./format-status.ts";
import type { Paint } from "./output.ts";
import type { WrittenReport } from "./run-report.ts";

/** Text of several lines. */
export function formatRunResult(
  view: {
    readonly run: string;
    readonly status: RunStatus;
    readonly reports: readonly WrittenReport[];
    readonly elapsedMs: number;
  },
  paint: Paint,
): string {
  const { run, status, reports, elapsedMs } = view;
  const { counts } = status;
  if (status.phase !== "Succeeded")
    return formatStatus({ run, status, ageMs: 0 }, paint);
  const how =
    counts.cached === counts.total
      ? `everything was cached: ${counts.total} tasks`
      : `${counts.total} tasks, ${counts.cached} of them cached`;
  const lines = [
    `${paint("bold", run)}  ${paint("green", "Succeeded")} in ${formatDuration(elapsedMs)}: ${how}`,
  ];
  for (const { value, page } of reports) {
    for (const claim of value.claims) {
      const colour =
        claim.verdict === "holds"
          ? "green"
          : claim.verdict === "fails"
            ? "red"
            : "yellow";
      lines.push(
        `  ${paint(colour, sayVerdict(claim).padEnd(14))} ${claim.name}: ${claim.because}`,
      );
    }
    lines.push(`report: ${page}`);
  }
  return `${lines.join("\n")}\n`;
}
