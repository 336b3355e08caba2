/** Verdicts as a gate: what `hueline report --check` turns into an exit code. */
import type { ReportValue } from "../value.ts";

export type FailedVerdict = {
  readonly name: string;
  readonly verdict: "fails" | "undecided" | "worse";
  readonly because: string;
};

export type ReportCheck = {
  readonly ok: boolean;
  readonly failed: readonly FailedVerdict[];
};

/** A gate passes on what is shown, so `undecided` does not pass it; `better` than published does. */
export function checkReport(value: ReportValue): ReportCheck {
  const failed: FailedVerdict[] = [];
  for (const { name, verdict, because } of value.claims)
    if (verdict !== "holds") failed.push({ name, verdict, because });
  for (const { label, source, verdict, because } of value.published)
    if (verdict === "worse" || verdict === "undecided")
      failed.push({ name: `${label} (${source})`, verdict, because });
  return { ok: failed.length === 0, failed };
}
