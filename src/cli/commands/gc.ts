/**
 * `hueline gc`: shows what no run and no pin needs, and removes it with `--yes`. What goes is decided by a pure function
 * of what lies in the store (`store/gc/plan-sweep.ts`); how it goes without harm to runs is `store/gc/sweep.ts`.
 */
import { ExitCode, UserError } from "../../base/errors.ts";
import { formatDuration } from "../../report/format.ts";
import { createLiveness, readOwner } from "../../store/claims/owner.ts";
import { readPins } from "../../store/gc/pins.ts";
import {
  categories,
  planSweep,
  type SweepPlan,
  type SweepPolicy,
} from "../../store/gc/plan-sweep.ts";
import { readStoreTime } from "../../store/gc/store-time.ts";
import { surveyStore, type Survey } from "../../store/gc/survey.ts";
import { sweep } from "../../store/gc/sweep.ts";
import type { SweepResult } from "../../store/gc/sweeping.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import {
  formatBytes,
  formatTable,
  painterFor,
  printJson,
  type OutputFormat,
} from "../output.ts";
import { createStatusLine } from "../status-line.ts";
import { openStoreOption } from "../store-option.ts";
import { durationOption, sizeOption } from "../unit-options.ts";

type GcOptions = {
  readonly store?: string;
  readonly output: OutputFormat;
  readonly yes?: boolean;
  readonly keepRuns?: number;
  readonly olderThan?: string;
  readonly maxSize?: string;
  readonly grace: string;
  readonly pins?: boolean;
};

const MOST_SKIPPED = 10;

export async function gc(
  environment: Environment,
  _: readonly string[],
  options: GcOptions,
): Promise<number> {
  const policy = toPolicy(options);
  const store = openStoreOption(options.store, environment);
  if (options.pins === true) return await listPins(environment, store, options);
  const { clock, host } = environment;
  const isOwnerAlive = createLiveness({ host: host.name });
  const survey = await surveyStore(store, { clock, isOwnerAlive });
  const isDry = options.yes !== true;
  const nowMs = await nowOf(store, survey, { environment, isDry });
  const plan = planSweep(survey, policy, nowMs);
  const cutoffMs = nowMs - policy.graceMs;
  const result = isDry
    ? null
    : await sweepStore(environment, { store, survey, plan, cutoffMs });
  if (options.output === "json")
    printJson(environment.stdout, toJson(store, plan, result));
  else
    environment.stdout.write(
      format(environment, plan, result, {
        ...policy,
        grace: options.grace,
        nowMs,
      }),
    );
  return result?.isComplete === false ? ExitCode.stopped : ExitCode.done;
}

/** The store's own time, as far as it can be asked for. An empty store is not written to for it. */
async function nowOf(
  store: Store,
  { keys, runs, pipelines, claims }: Survey,
  how: { readonly environment: Environment; readonly isDry: boolean },
): Promise<number> {
  const { clock, stderr } = how.environment;
  const sizes = [keys.length, runs.length, pipelines.length, claims.size];
  if (sizes.every((size) => size === 0)) return clock.now();
  try {
    return await readStoreTime(store);
  } catch (thrown) {
    // Who may only read may look.
    if (!how.isDry || !(thrown instanceof UserError)) throw thrown;
    stderr.write(
      `ages are by this machine's clock, for the store's is not known: ${thrown.message}
`,
    );
    return clock.now();
  }
}

async function sweepStore(
  environment: Environment,
  found: {
    readonly store: Store;
    readonly survey: Survey;
    readonly plan: SweepPlan;
    readonly cutoffMs: number;
  },
): Promise<SweepResult> {
  const { store, survey, plan, cutoffMs } = found;
  const { clock, log, signal } = environment;
  const host = environment.host.name;
  const { pid } = environment.host;
  const line = createStatusLine(environment);
  try {
    return await sweep(plan, survey.runs, {
      store,
      clock,
      log,
      signal,
      isOwnerAlive: createLiveness({ host }),
      owner: await readOwner({ host, pid, run: "gc", task: "sweep" }),
      cutoffMs,
      onProgress: (done, total) => {
        line.show(`removing ${done}/${total}`);
      },
    });
  } finally {
    line.end();
  }
}

function toPolicy(options: GcOptions): SweepPolicy {
  const { keepRuns, olderThan, maxSize, grace } = options;
  return {
    graceMs: durationOption("--grace", grace),
    keepRuns: keepRuns ?? null,
    olderThanMs:
      olderThan === undefined
        ? null
        : durationOption("--older-than", olderThan),
    maxSizeBytes:
      maxSize === undefined ? null : sizeOption("--max-size", maxSize),
  };
}

type Row = {
  readonly category: string;
  readonly objects: number;
  readonly sizeBytes: number;
};

/** What would go, by category. */
function plannedRows({ runs, keys, pipelines, claims }: SweepPlan): Row[] {
  const places = [
    ...keys.flatMap((key) => key.places),
    ...runs.map((run) => ({ ...run, category: "run" })),
    ...pipelines.map((file) => ({ ...file, category: "pipeline", objects: 1 })),
    ...claims.map(() => ({ category: "claim", objects: 1, sizeBytes: 0 })),
  ];
  return sumByCategory(places);
}

function sumByCategory(entries: readonly Row[]): Row[] {
  return categories.flatMap((category) => {
    const own = entries.filter((entry) => entry.category === category);
    const total = (field: "objects" | "sizeBytes"): number =>
      own.reduce((sum, entry) => sum + entry[field], 0);
    return own.length === 0
      ? []
      : [
          {
            category,
            objects: total("objects"),
            sizeBytes: total("sizeBytes"),
          },
        ];
  });
}

function toJson(store: Store, plan: SweepPlan, result: SweepResult | null) {
  const rows =
    result === null ? plannedRows(plan) : sumByCategory(result.removed);
  return {
    store: store.url,
    dryRun: result === null,
    storeBytes: plan.storeBytes,
    [result === null ? "wouldRemove" : "removed"]: rows,
    runs: plan.runs.map(({ run, because, lastUsedAtMs, sizeBytes }) => ({
      run,
      because,
      lastUsedAtMs,
      sizeBytes,
    })),
    artifacts: plan.keys
      .filter(({ isUnneeded, epoch }) => isUnneeded && epoch !== null)
      .map(({ key, places }) => ({
        key,
        sizeBytes: places.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      })),
    youngBytes: plan.youngBytes,
    sparedRuns: plan.sparedRuns,
    skipped: result?.skipped ?? [],
    complete: result?.isComplete ?? true,
  };
}

function format(
  environment: Environment,
  plan: SweepPlan,
  result: SweepResult | null,
  {
    grace,
    maxSizeBytes,
    nowMs,
  }: SweepPolicy & { readonly grace: string; readonly nowMs: number },
): string {
  const paint = painterFor(environment.stdout, environment.variables);
  const rows =
    result === null ? plannedRows(plan) : sumByCategory(result.removed);
  const total = rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const lines: string[] = [];
  for (const { run, because, lastUsedAtMs } of plan.runs)
    lines.push(
      `run ${run}, last used ${formatDuration(nowMs - lastUsedAtMs)} ago: ${because}`,
    );
  if (rows.length > 0) lines.push(formatTable(rows, columns).trimEnd());
  const { skipped = [] } = result ?? {};
  for (const { what, reason } of skipped.slice(0, MOST_SKIPPED))
    lines.push(`${paint("yellow", "left alone")} ${what}: ${reason}`);
  if (skipped.length > MOST_SKIPPED)
    lines.push(`and ${skipped.length - MOST_SKIPPED} more were left alone`);
  if (plan.youngBytes > 0)
    lines.push(
      `${formatBytes(plan.youngBytes)} more that nothing needs were written within the last ${grace} (--grace)`,
    );
  const spared = plan.sparedRuns.length;
  if (spared > 0)
    lines.push(
      `${spared} ${spared === 1 ? "run stays" : "runs stay"}: in use, pinned, or younger than ${grace} (--grace)`,
    );
  const leftBytes = plan.storeBytes - plan.sweptBytes;
  if (maxSizeBytes !== null && leftBytes > maxSizeBytes)
    lines.push(
      `${formatBytes(leftBytes)} stay, more than ${formatBytes(maxSizeBytes)}: runs in use, pins, and what is younger than ${grace} (--grace)`,
    );
  const isDry = result === null;
  if (rows.length === 0)
    lines.push(`nothing ${isDry ? "to remove" : "was removed"}`);
  else
    lines.push(
      isDry
        ? `${formatBytes(total)} of ${formatBytes(plan.storeBytes)} would go; nothing was removed: ${paint("bold", "--yes")} removes it`
        : `${formatBytes(total)} of ${formatBytes(plan.storeBytes)} removed`,
    );
  if (result?.isComplete === false)
    lines.push("stopped before the end: the same again goes on");
  return `${lines.join("\n")}\n`;
}

const columns = [
  { title: "what", value: ({ category }: Row) => category },
  {
    title: "objects",
    value: ({ objects }: Row) => String(objects),
    align: "right" as const,
  },
  {
    title: "size",
    value: ({ sizeBytes }: Row) => formatBytes(sizeBytes),
    align: "right" as const,
  },
];

async function listPins(
  environment: Environment,
  store: Store,
  options: GcOptions,
): Promise<number> {
  const pins = await readPins(store);
  if (options.output === "json") printJson(environment.stdout, pins);
  else if (pins.length === 0)
    environment.stdout.write("no pins: `hueline pin RUN` makes one\n");
  else
    environment.stdout.write(
      formatTable(pins, [
        { title: "pin", value: ({ name }) => name },
        { title: "kind", value: ({ kind }) => kind },
        {
          title: "since",
          value: ({ pinnedAtMs }) => new Date(pinnedAtMs).toISOString(),
        },
        { title: "reason", value: ({ reason }) => reason },
      ]),
    );
  return ExitCode.done;
}
