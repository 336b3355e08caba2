/**
 * The user's units, converted in one place: `10k` steps, `48Gi` of memory, `30m`.
 * Each is a zod type whose input is what a person writes and whose output is a plain number.
 */
import { z } from "zod";

const COUNT_SUFFIX = { "": 1, k: 1e3, M: 1e6 } as const;
const MEMORY_SUFFIX = {
  "": 1,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  k: 1e3,
  M: 1e6,
  G: 1e9,
} as const;
const DURATION_SUFFIX = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 86400e3,
} as const;

function convert(pattern: RegExp, suffixes: Readonly<Record<string, number>>) {
  return (text: string): number => {
    const [, digits = "", suffix = ""] = pattern.exec(text) ?? [];
    return Math.round(Number(digits) * (suffixes[suffix] ?? Number.NaN));
  };
}

const COUNT = /^(\d+(?:\.\d+)?)(k|M)?$/;
const MEMORY = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G)?$/;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A positive whole number of things: `3000`, `"3k"`, `"1.5M"`. */
export const count = z.union([
  z.int().positive(),
  z
    .string()
    .regex(COUNT, "expected a number such as 500, 10k or 1.5M")
    .transform(convert(COUNT, COUNT_SUFFIX)),
]);

/** Bytes of memory, as Kubernetes writes them: `512Mi`, `48Gi`. */
export const memoryBytes = z.union([
  z.int().positive(),
  z
    .string()
    .regex(MEMORY, "expected memory such as 512Mi or 48Gi")
    .transform(convert(MEMORY, MEMORY_SUFFIX)),
]);

/** Milliseconds, written with a unit: `30s`, `15m`, `2h`. */
export const durationMs = z
  .string({ error: "expected a duration such as 30s, 15m or 2h" })
  .regex(DURATION, "expected a duration such as 30s, 15m or 2h")
  .transform(convert(DURATION, DURATION_SUFFIX));
