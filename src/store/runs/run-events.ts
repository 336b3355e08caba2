/**
 * The history of a run, one JSON object per line (`events.jsonl`), one line per transition.
 *
 * Lines are appended in the order of `append`, one write at a time; what comes while a write is under way goes with
 * the next one. A kill may cut the last line: it is dropped by readers, and a new driver starts on a fresh line.
 */
import { z } from "zod";
import { readJson } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

const eventSchema = z.object({
  atMs: z.number(),
  /** Null: the run itself. */
  task: z.string().nullable(),
  /** A phase of a task or of the run. */
  phase: z.string(),
  attempt: z.int().nullable(),
  reason: z.string(),
});

export type RunEvent = Readonly<z.output<typeof eventSchema>>;

export type RunEventLog = {
  /** Returns at once. A write that failed shows in `flush`. */
  append(event: RunEvent): void;
  /** Resolves when everything appended so far is written; throws the first failure since the last flush. */
  flush(): Promise<void>;
};

export function openRunEvents(store: Store, run: string): RunEventLog {
  const path = layout.runEvents(run);
  let waiting = "";
  let isFresh = true;
  let writing: Promise<void> | null = null;
  let failure: { readonly thrown: unknown } | null = null;

  async function write(): Promise<void> {
    while (waiting !== "" && failure === null) {
      const text = waiting;
      waiting = "";
      try {
        const start =
          isFresh && (await endsInsideLine(store, path)) ? "\n" : "";
        await store.append(path, new TextEncoder().encode(start + text));
        isFresh = false;
      } catch (thrown) {
        // Kept for the next flush, which may meet a store that works again.
        waiting = text + waiting;
        failure = { thrown };
      }
    }
    writing = null;
  }
  return {
    append(event) {
      waiting += `${JSON.stringify(event)}\n`;
      if (failure === null) writing ??= write();
    },
    async flush() {
      if (failure === null && waiting !== "") writing ??= write();
      await writing;
      if (failure === null) return;
      const { thrown } = failure;
      failure = null;
      throw thrown;
    },
  };
}

/** The events of a run so far, and how many lines could not be read (invariant J). */
export async function readRunEvents(
  store: Store,
  run: string,
): Promise<{ readonly events: RunEvent[]; readonly unreadable: number }> {
  const bytes = (await store.read(layout.runEvents(run))) ?? new Uint8Array();
  const events: RunEvent[] = [];
  let unreadable = 0;
  for (const line of splitLines(bytes)) {
    const json = readJson(line);
    const parsed =
      json.kind === "value" ? eventSchema.safeParse(json.value) : null;
    if (parsed?.success) events.push(parsed.data);
    else unreadable++;
  }
  return { events, unreadable };
}

/** Whether a killed driver left half a line. */
async function endsInsideLine(store: Store, path: string): Promise<boolean> {
  const info = await store.stat(path);
  if (info === null || info.sizeBytes === 0) return false;
  const range = { offset: info.sizeBytes - 1, length: 1 };
  return (await store.read(path, range))?.[0] !== 0x0a;
}

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.byteLength) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.byteLength : found;
    if (end > start) lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
