/** Small records of `gc/`, read with their etag: ours, or an error that names the object. */
import type { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { readJson } from "../json.ts";
import type { Store } from "../store.ts";

/** A record as its schema has it; null: it is not there. Throws `gc.corrupt` (UserError) for anything else. */
export async function readGcRecord<S extends z.ZodType>(
  store: Store,
  path: string,
  schema: S,
): Promise<{ readonly value: z.output<S>; readonly etag: string } | null> {
  const found = await store.readRecord(path);
  if (found === null) return null;
  const json = readJson(found.bytes);
  const parsed = schema.safeParse(json.kind === "value" ? json.value : null);
  if (parsed.success) return { value: parsed.data, etag: found.etag };
  throw new UserError({
    code: "gc.corrupt",
    message: `the record '${path}' in ${store.url} cannot be read`,
    hint: "another program wrote it; once neither `hueline run` nor `hueline gc` uses this store, remove it",
  });
}
