/**
 * Pins: what `gc` keeps whatever its age, because a person said so. One object per pin, `pins/<name>.json`, named by
 * the run or by the artifact's key; who pins again replaces the reason.
 *
 * A pin that cannot be read is an error and not "no pin": what is not understood is not garbage.
 */
import { z } from "zod";
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

const pinSchema = z.object({
  version: z.literal(1),
  /** A run keeps everything that its plan names; an artifact keeps itself and what it was made from; a submitted file itself. */
  kind: z.enum(["run", "artifact", "pipeline"]),
  /** The run's id, the artifact's key, or the SHA-256 of the file. */
  name: z.string(),
  reason: z.string(),
  pinnedAtMs: z.number(),
});

export type Pin = Readonly<z.output<typeof pinSchema>>;

const READS_AT_ONCE = 16;

/** All pins, by name. Throws `gc.pin-corrupt` (UserError). */
export async function readPins(store: Store): Promise<readonly Pin[]> {
  const paths: string[] = [];
  for await (const { path } of store.list("pins/")) paths.push(path);
  const pins = await mapBounded(paths, READS_AT_ONCE, (path) =>
    readPinAt(store, path),
  );
  return pins.filter((pin) => pin !== null);
}

/** Pins, or replaces the pin's reason. Who pins what may be about to be removed calls `keepArtifacts` afterwards. */
export function writePin(store: Store, pin: Omit<Pin, "version">) {
  const record: Pin = { version: 1, ...pin };
  return store.put(layout.pin(pin.name), toJsonBytes(record));
}

/** Takes a pin away; false: there was none. */
export async function removePin(store: Store, name: string): Promise<boolean> {
  if ((await store.stat(layout.pin(name))) === null) return false;
  await store.remove(layout.pin(name));
  return true;
}

/** A pin by its name, or null. Throws `gc.pin-corrupt` (UserError). */
export function readPin(store: Store, name: string): Promise<Pin | null> {
  return readPinAt(store, layout.pin(name));
}

async function readPinAt(store: Store, path: string): Promise<Pin | null> {
  const bytes = await store.read(path);
  if (bytes === null) return null;
  const json = readJson(bytes);
  const parsed = pinSchema.safeParse(json.kind === "value" ? json.value : null);
  if (parsed.success && layout.pin(parsed.data.name) === path)
    return parsed.data;
  throw new UserError({
    code: "gc.pin-corrupt",
    message: `expected a pin in '${path}' of ${store.url}, found something else`,
    hint: "remove that object, and pin what it stood for again with `hueline pin`",
  });
}
