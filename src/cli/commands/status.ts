/** `hueline status`: phase, counts per stage, and a line for everything that waits or failed; `-w` follows. */
import { ExitCode } from "../../base/errors.ts";
import { readRunEvents } from "../../store/runs/run-events.ts";
import { findRun, listRuns } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { createDisplay } from "../live.ts";
import { isOver, lookAtRun, type RunView } from "../look-at-run.ts";
import { painterFor, type OutputFormat, type Paint } from "../output.ts";
import { formatStatus } from "../format-status.ts";
import { openStoreOption } from "../store-option.ts";

const LOOK_EVERY_MS = 1000;
const MOST_OTHER_RUNS = 5;

type StatusOptions = {
  readonly store?: string;
  readonly output: OutputFormat;
  readonly watch?: boolean;
};

export async function status(
  environment: Environment,
  [given]: readonly string[],
  options: StatusOptions,
): Promise<ExitCode> {
  const store = openStoreOption(options.store, environment);
  const run = await findRun(store, given ?? null);
  const paint = painterFor(environment.stdout, environment.variables);
  const display = createDisplay(environment.stdout, paint);
  const isLive =
    options.watch === true && options.output === "text" && display.isLive;
  let startedAtMs: number | null = null;
  let last = "";
  for (;;) {
    const view = await lookAtRun(store, run, environment);
    const isLast =
      options.watch !== true ||
      isOver(view.status) ||
      environment.signal.aborted;
    if (isLive && !isLast && view.status !== null) {
      // Once: the history grows with the run, its beginning does not change.
      startedAtMs ??= await readStart(store, run, environment);
      display.draw({
        ...view,
        status: view.status,
        elapsedMs: environment.clock.now() - startedAtMs,
      });
    } else {
      // What is always different, its age, is no news.
      const news = JSON.stringify({ ...view, updatedAtMs: null });
      if (news !== last || isLast)
        display.line(formatView(view, { environment, options, paint }));
      last = news;
    }
    if (isLast) break;
    await environment.clock.sleep(LOOK_EVERY_MS, environment.signal);
  }
  if (
    given === undefined &&
    options.output === "text" &&
    options.watch !== true
  )
    environment.stdout.write(await formatOthers(store, run));
  return ExitCode.done;
}

function formatView(
  view: RunView,
  {
    environment,
    options,
    paint,
  }: {
    readonly environment: Environment;
    readonly options: StatusOptions;
    readonly paint: Paint;
  },
): string {
  if (options.output === "json")
    return JSON.stringify(view, null, options.watch === true ? 0 : 2);
  const { run, status: value, updatedAtMs } = view;
  if (value === null) return `${run}  not started yet`;
  const ageMs = environment.clock.now() - (updatedAtMs ?? 0);
  const isDriven = isOver(value) || view.driver !== null;
  return formatStatus(
    { ...view, status: value, ageMs, isDriven },
    paint,
  ).trimEnd();
}

async function readStart(
  store: Store,
  run: string,
  { clock }: Environment,
): Promise<number> {
  const { events } = await readRunEvents(store, run);
  return events[0]?.atMs ?? clock.now();
}

async function formatOthers(store: Store, run: string): Promise<string> {
  const others = (await listRuns(store)).filter((other) => other.run !== run);
  if (others.length === 0) return "";
  const shown = others.slice(0, MOST_OTHER_RUNS);
  const rows = shown.map(
    (other) => `  ${other.run}  ${other.last?.status.phase ?? "not started"}`,
  );
  const more =
    others.length > shown.length
      ? [`  and ${others.length - shown.length} more`]
      : [];
  return `\nother runs in ${store.url}\n${[...rows, ...more].join("\n")}\n`;
}
