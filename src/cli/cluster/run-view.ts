/** A Run of a cluster as the command line shows it: the same view as of a run on this machine, and what only it has. Pure. */
import { conditionOf } from "../../resources/conditions.ts";
import type {
  Condition,
  Run,
  RunResourceStatus,
} from "../../resources/run-resource.ts";
import type { RunStatus, TaskPhase } from "../../run/status.ts";
import { formatStatus } from "../format-status.ts";
import { formatTable, type Paint } from "../output.ts";

/** Null: it has no plan yet. */
export function toSeen({ status }: Pick<Run, "status">): RunStatus | null {
  if (status?.counts === undefined) return null;
  const { phase, reason, counts, stages = [], notes = [] } = status;
  const { total, cached, succeeded, running, pending } = counts;
  return {
    phase: phase === "Planning" ? "Pending" : phase,
    reason,
    counts: {
      total,
      cached,
      Pending: pending,
      Running: running,
      Succeeded: succeeded,
      Failed: counts.failed,
      Skipped: counts.skipped,
      Cancelled: counts.cancelled,
    },
    stages,
    notes: notes.map((note) => ({ ...note, phase: note.phase as TaskPhase })),
  };
}

export function runToJson({ metadata, spec, status }: Run) {
  const { name, namespace, uid, creationTimestamp } = metadata;
  const { queue, suspend = false } = spec;
  return {
    run: name,
    namespace,
    uid,
    creationTimestamp,
    queue,
    suspend,
    ...status,
  };
}

/** Text of several lines. */
export function formatRun(run: Run, paint: Paint): string {
  const { name } = run.metadata;
  const { status } = run;
  const seen = toSeen(run);
  const head =
    seen === null
      ? `${paint("bold", name)}  ${formatUnplanned(status)}\n`
      : formatStatus({ run: name, status: seen, ageMs: null }, paint);
  const facts = toFacts(run).map(
    ([what, value]) => `${what.padEnd(11)} ${value}`,
  );
  const words = facts.join("\n");
  return words === "" ? head : `${head}\n${words}\n`;
}

function formatUnplanned(status: RunResourceStatus | undefined): string {
  if (status === undefined) return "no controller has looked at it yet";
  return `${status.phase}: ${status.reason}`;
}

/** What a run on this machine has no word for. */
function toFacts({
  spec,
  status,
}: Run): readonly (readonly [string, string])[] {
  const { gpuHours = "0.0", store, storeRun } = status ?? {};
  const hours = spec.budget?.gpuHours;
  const isOfInterest = gpuHours !== "0.0" || hours !== undefined;
  const facts: (readonly [string, string | undefined])[] = [
    ["attention", toAttention(status)],
    [
      "GPU-hours",
      isOfInterest
        ? `${gpuHours}${hours === undefined ? "" : ` of ${hours}`}`
        : undefined,
    ],
    ["queue", spec.queue],
    ["store", store && `${store}, run ${storeRun ?? ""}`],
  ];
  return facts.flatMap(([what, value]) =>
    value === undefined ? [] : [[what, value] as const],
  );
}

/** What hinders it, and what it is about to do: where the phase does not say so. */
function toAttention(
  status: RunResourceStatus | undefined,
): string | undefined {
  const conditions = status?.conditions ?? [];
  const hindered = conditionOf(conditions, "Degraded");
  const stopping = conditionOf(conditions, "Suspended");
  const held = conditionOf(conditions, "Progressing");
  const words: readonly (Condition | undefined | false)[] = [
    hindered?.status === "True" && hindered,
    stopping?.reason === "Stopping" && stopping,
    held?.reason === "Held" && held,
  ];
  const messages = words.flatMap((word) => (word ? [word.message] : []));
  return messages.length === 0 ? undefined : messages.join("; ");
}

const MOST_REASON = 60;

/** The Runs of a namespace, as `kubectl get runs` shows them. */
export function formatRuns(
  runs: readonly Run[],
  { nowMs, isCut }: { readonly nowMs: number; readonly isCut: boolean },
): string {
  const cut = (text: string): string =>
    isCut && text.length > MOST_REASON
      ? `${text.slice(0, MOST_REASON)}…`
      : text;
  return formatTable(runs, [
    { title: "name", value: ({ metadata }) => metadata.name },
    { title: "phase", value: ({ status }) => status?.phase ?? "" },
    {
      title: "done",
      value: ({ status }) => status?.done ?? "",
      align: "right",
    },
    {
      title: "failed",
      value: ({ status }) => String(status?.counts?.failed ?? ""),
      align: "right",
    },
    {
      title: "cached",
      value: ({ status }) => String(status?.counts?.cached ?? ""),
      align: "right",
    },
    {
      title: "gpu-h",
      value: ({ status }) => status?.gpuHours ?? "",
      align: "right",
    },
    { title: "queue", value: ({ spec }) => spec.queue ?? "" },
    { title: "reason", value: ({ status }) => cut(status?.reason ?? "") },
    {
      title: "age",
      value: ({ metadata }) => formatAge(metadata.creationTimestamp, nowMs),
      align: "right",
    },
  ]);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `45s`, `12m`, `5h`, `3d`, as kubectl writes ages; empty: not known. */
export function formatAge(since: string | undefined, nowMs: number): string {
  const ms = Math.max(0, nowMs - Date.parse(since ?? ""));
  if (Number.isNaN(ms)) return "";
  if (ms < 2 * MINUTE_MS) return `${Math.floor(ms / 1000)}s`;
  if (ms < 3 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)}h`;
  return `${Math.floor(ms / DAY_MS)}d`;
}
