/** `hueline status`: phase, counts per stage, and a line for everything that waits or failed; `-w` follows. */
import { ExitCode } from "../../base/errors.ts";
import type { RunStatus } from "../../run/status.ts";
import { openStore } from "../../store/open-store.ts";
import { findRun, listRuns, readStatus } from "../../store/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { painterFor, type OutputFormat } from "../output.ts";
import { formatStatus } from "../format-status.ts";
import { storeUrlOf } from "../store-option.ts";

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
  const store = openStore(storeUrlOf(options.store, environment), {
    currentFolder: environment.currentDirectory,
  });
  const run = await findRun(store, given ?? null);
  const paint = painterFor(environment.stdout, environment.variables);
  let last = "";
  for (;;) {
    const record = await readStatus(store, run);
    const text =
      options.output === "json"
        ? `${JSON.stringify(record ?? { run, status: null }, null, options.watch === true ? 0 : 2)}\n`
        : record === null
          ? `${run}  not started yet\n`
          : formatStatus(
              {
                run,
                status: record.status,
                ageMs: environment.clock.now() - record.updatedAtMs,
              },
              paint,
            );
    const body = record === null ? text : JSON.stringify(record.status);
    if (body !== last) environment.stdout.write(text);
    last = body;
    const ended = record !== null && isOver(record.status);
    if (options.watch !== true || ended || environment.signal.aborted) break;
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

function isOver({ phase }: RunStatus): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Cancelled";
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
