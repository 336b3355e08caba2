/**
 * Reads every byte of an engine and compares it with the stamp, for `npm run engine -- --check`.
 */
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { checkEngine } from "../../src/engine/location.ts";
import type { EngineFile } from "../../src/engine/stamp.ts";
import { hashFile } from "./hash.ts";

/** Throws `engine.missing` or `engine.broken`, with what is wrong. */
export async function verifyEngine(directory: string): Promise<void> {
  const status = checkEngine(directory);
  if (status.kind === "missing")
    throw new UserError({
      code: "engine.missing",
      message: `There is no native engine in ${directory}.`,
      hint: "npm run engine",
    });
  const reasons =
    status.kind === "broken"
      ? [...status.reasons]
      : await wrongHashes(directory, status.stamp.files);
  if (reasons.length > 0)
    throw new UserError({
      code: "engine.broken",
      message: `The native engine in ${directory} is broken: ${reasons.join("; ")}.`,
      hint: "npm run engine -- --force",
    });
}

async function wrongHashes(
  directory: string,
  files: Readonly<Record<string, EngineFile>>,
): Promise<string[]> {
  const reasons: string[] = [];
  for (const [name, { sha256 }] of Object.entries(files))
    if ((await hashFile(join(directory, name))) !== sha256)
      reasons.push(`the content of ${name} is not what was installed`);
  return reasons;
}
