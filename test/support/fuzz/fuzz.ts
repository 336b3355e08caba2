/**
 * Hostile input by the thousand: valid files, changed as a careless disk or a careful attacker would, are given to whoever
 * reads them. A reader may accept or refuse; it may not throw anything but what it declares, nor take long, nor take
 * memory. Case k of a target follows from (seed, k) alone, so a failure can be run again.
 */
import { streamOf } from "../../../src/base/random.ts";
import {
  createPick,
  mutateBytes,
  mutateJson,
  type Pick,
} from "../hostile/mutate.ts";

export type FuzzTarget = {
  readonly name: string;
  /** Valid inputs to start from. */
  corpus(): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /** `json`: half of the cases change the structure of the value instead of its text. Default: bytes. */
  readonly kind?: "bytes" | "json";
  /** Makes checksums right again, in half of the cases: else nothing behind them is ever reached. */
  mend?(input: Buffer): void;
  /** True: it was read, false: it was refused. Anything thrown is a defect. */
  read(input: Buffer): Promise<boolean> | boolean;
};

export type FuzzReport = {
  readonly target: string;
  readonly cases: number;
  readonly accepted: number;
  readonly slowestMs: number;
  /** Growth of the process's memory. */
  readonly grownMiB: number;
  readonly failure: FuzzFailure | null;
};

export type FuzzFailure = {
  readonly case: number;
  readonly problem: string;
  readonly input: string;
};

export type FuzzOptions = {
  readonly cases: number;
  readonly seed: number;
  /** The first case: to run a failure again. */
  readonly from?: number;
  readonly maxMs?: number;
  readonly maxGrowthMiB?: number;
};

/** Runs cases until one fails. */
export async function fuzz(
  target: FuzzTarget,
  options: FuzzOptions,
): Promise<FuzzReport> {
  const { cases, seed, from = 0, maxMs = 5000, maxGrowthMiB = 512 } = options;
  const corpus = await target.corpus();
  const before = process.memoryUsage.rss();
  let [accepted, slowestMs, grownMiB] = [0, 0, 0];
  let failure: FuzzFailure | null = null;
  for (let k = from; k < from + cases && failure === null; k++) {
    const input = createCase(target, corpus, [streamOf(target.name), seed, k]);
    const start = performance.now();
    const outcome = await attempt(target, input);
    const tookMs = performance.now() - start;
    slowestMs = Math.max(slowestMs, tookMs);
    grownMiB = Math.max(
      grownMiB,
      (process.memoryUsage.rss() - before) / 2 ** 20,
    );
    if (outcome === true) accepted++;
    const problem =
      typeof outcome === "string"
        ? outcome
        : tookMs > maxMs
          ? `took ${Math.round(tookMs)} ms`
          : grownMiB > maxGrowthMiB
            ? `memory grew by ${Math.round(grownMiB)} MiB`
            : null;
    if (problem !== null)
      failure = {
        case: k,
        problem,
        input: input.subarray(0, 4096).toString("base64"),
      };
  }
  return { target: target.name, cases, accepted, slowestMs, grownMiB, failure };
}

function createCase(
  { kind, mend }: FuzzTarget,
  corpus: readonly Uint8Array[],
  words: readonly number[],
): Buffer {
  const pick = createPick(...words);
  const base = Buffer.from(corpus[pick(corpus.length, 0)] as Uint8Array);
  const spoiled =
    kind === "json" && pick(2, 1) === 0
      ? mutateJson(base.toString(), pick)
      : null;
  const input =
    spoiled === null ? mutateOften(base, words, pick) : Buffer.from(spoiled);
  if (mend && pick(2, 2) === 0) mend(input);
  return input;
}

/** Numbers at which readers of binary files trip. */
const NUMBERS = [0, 1, 2 ** 15, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** One to four changes; one in three puts a number where some other stood. */
function mutateOften(
  base: Buffer,
  words: readonly number[],
  pick: Pick,
): Buffer {
  let bytes = base;
  for (let round = 0; round <= pick(4, 3); round++) {
    const draw = createPick(...words, round);
    const at = draw(Math.max(1, bytes.length - 3), 0);
    if (draw(3, 1) > 0 || at + 4 > bytes.length)
      bytes = Buffer.from(mutateBytes(bytes, draw));
    else bytes.writeUInt32BE(NUMBERS[draw(NUMBERS.length, 2)] ?? 0, at);
  }
  return bytes;
}

/** Whether it was read, or what is wrong with the reader. */
async function attempt(
  target: FuzzTarget,
  input: Buffer,
): Promise<boolean | string> {
  try {
    return await target.read(input);
  } catch (thrown) {
    return thrown instanceof Error
      ? `threw ${thrown.name}: ${thrown.message}`
      : `threw ${String(thrown)}`;
  }
}
