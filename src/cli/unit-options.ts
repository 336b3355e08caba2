/** Options that take a duration or a size as people write them; a usage error that names the option for anything else. */
import { ExitCode, UserError } from "../base/errors.ts";
import { durationMs, memoryBytes } from "../spec/params/units.ts";

/** Milliseconds; `30m`, `24h`, `30d`. */
export function durationOption(name: string, text: string): number {
  const { data } = durationMs.safeParse(text);
  if (data !== undefined) return data;
  throw refuse(name, text, "a duration such as 30m, 24h or 30d");
}

/** Bytes; `500GiB`, `500Gi`, `500G`. */
export function sizeOption(name: string, text: string): number {
  const { data } = memoryBytes.safeParse(text.replace(/B$/, ""));
  if (data !== undefined) return data;
  throw refuse(name, text, "a size such as 512MiB or 500GiB");
}

function refuse(name: string, text: string, expected: string): UserError {
  return new UserError({
    code: "cli.option",
    message: `${name} expects ${expected}, found '${text}'`,
    exitCode: ExitCode.usage,
  });
}
