/** Which run of the store a Run object is: one for each object, also where a name is used again. */
import type { Run } from "./run-resource.ts";

const MAX_NAME = 52;
const UID_DIGITS = 8;

/**
 * `<name>-<first 8 digits of its uid>`: at most 61 characters.
 * @param run as the API server has it: one without a uid is a bug and throws.
 */
export function storeRunOf(run: Pick<Run, "metadata">): string {
  const { name, uid } = run.metadata;
  if (uid === undefined)
    throw new Error(`Run '${name}' has no uid: it was not read from a server`);
  const digits = uid.replaceAll("-", "").slice(0, UID_DIGITS);
  return `${name.slice(0, MAX_NAME).replace(/[-.]+$/, "")}-${digits}`;
}
