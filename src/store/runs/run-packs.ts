/**
 * What the tasks of a pack are told: lists travel by pointer (invariant E), and each worker reads only the part that its
 * index is in. `tasks.json` has the names by index, and is written last: a pack without it is not there.
 */
import { z } from "zod";
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import type { TaskDescription } from "../../plan/task-description.ts";
import { readJson } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";
import { descriptionSchema } from "./run-records.ts";

/** Small enough to be read for one line of it, large enough that ten thousand tasks are forty objects. */
const CHUNK = 256;
const WRITES_AT_ONCE = 8;

type PackName = { readonly run: string; readonly pack: string };

/** Writes the descriptions of a pack, by index; the same bytes for the same pack, so that writing it again changes nothing. */
export async function writePack(
  store: Store,
  name: PackName,
  descriptions: readonly TaskDescription[],
): Promise<void> {
  const chunks: TaskDescription[][] = [];
  for (let at = 0; at < descriptions.length; at += CHUNK)
    chunks.push(descriptions.slice(at, at + CHUNK));
  await mapBounded(chunks, WRITES_AT_ONCE, async (chunk, number) => {
    const lines = chunk.map((one) => `${JSON.stringify(one)}\n`).join("");
    await store.put(chunkPath(name, number), new TextEncoder().encode(lines));
  });
  const names = JSON.stringify(descriptions.map(({ task }) => task.name));
  await store.put(namesPath(name), new TextEncoder().encode(`${names}\n`));
}

/** Names of the tasks of a pack, by index; null: there is no such pack. Throws `run.corrupt` (UserError). */
export async function readPackTasks(
  store: Store,
  name: PackName,
): Promise<readonly string[] | null> {
  const path = namesPath(name);
  const bytes = await store.read(path);
  if (bytes === null) return null;
  const json = readJson(bytes);
  const names = z
    .array(z.string())
    .safeParse(json.kind === "value" ? json.value : null);
  if (names.success) return names.data;
  throw corrupt(store, path);
}

/** What task `index` of a pack is told. Throws `run.no-task` or `run.corrupt` (UserError). */
export async function readPackedDescription(
  store: Store,
  name: PackName,
  index: number,
): Promise<TaskDescription> {
  const path = chunkPath(name, Math.floor(index / CHUNK));
  const bytes = await store.read(path);
  const line = bytes && lineOf(bytes, index % CHUNK);
  if (line === null)
    throw new UserError({
      code: "run.no-task",
      message: `there is no task ${index} of pack '${name.pack}' of run '${name.run}': '${path}' of ${store.url} has no such line`,
      hint: "a worker is started by the controller, which writes that object first",
    });
  const json = readJson(line);
  const parsed = descriptionSchema.safeParse(
    json.kind === "value" ? json.value : null,
  );
  if (!parsed.success) throw corrupt(store, path);
  return parsed.data as unknown as TaskDescription;
}

function lineOf(bytes: Uint8Array, number: number): Uint8Array | null {
  let start = 0;
  for (let i = 0; i < number; i++) {
    const end = bytes.indexOf(10, start);
    if (end < 0) return null;
    start = end + 1;
  }
  const end = bytes.indexOf(10, start);
  return end < 0 ? null : bytes.subarray(start, end);
}

function chunkPath({ run, pack }: PackName, number: number): string {
  const digits = String(number).padStart(5, "0");
  return `${layout.runPack(run, pack)}${digits}.jsonl`;
}

function namesPath({ run, pack }: PackName): string {
  return `${layout.runPack(run, pack)}tasks.json`;
}

function corrupt(store: Store, path: string): UserError {
  return new UserError({
    code: "run.corrupt",
    message: `'${path}' in ${store.url} is not what a run writes there`,
    hint: "remove that object and retry the run: it is written anew",
  });
}
