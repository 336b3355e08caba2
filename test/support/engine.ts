/**
 * The engine, for tests: opened once per process (vitest gives every test file its own), on one thread and deterministic, so that
 * bits can be compared. A missing engine fails every test that needs it, with the remedy: it is never skipped.
 */
import { homedir } from "node:os";
import {
  openEngine,
  type Engine,
  type TensorValue,
} from "../../src/engine/engine.ts";
import {
  cacheRootOf,
  findEngine,
  toEnginePlatform,
} from "../../src/engine/location.ts";

export function testEngine(): Engine {
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform === null)
    throw new Error(
      `there is no engine for ${process.platform} ${process.arch}`,
    );
  const { directory } = findEngine({
    cacheRoot: cacheRootOf(process.env["XDG_CACHE_HOME"], homedir()),
    platform,
    override: process.env["HUELINE_ENGINE"],
  });
  return openEngine({ directory, threads: 1, deterministic: true });
}

/** Reproducible values, roughly uniform around zero, with the given standard deviation. */
export function pseudoRandom(size: number, seed: number, deviation = 1) {
  return Float32Array.from({ length: size }, (_, k) => {
    const v = Math.sin(k * 12.9898 + seed * 78.233) * 43758.5453;
    return (v - Math.floor(v) - 0.5) * Math.sqrt(12) * deviation;
  });
}
export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((size, d) => size * d, 1);

/** The single number of a scalar result. */
export function scalarOf(value: TensorValue): number {
  const [only] = value.data;
  if (only === undefined || value.data.length !== 1)
    throw new Error(`not a scalar: [${value.shape.join()}]`);
  return only;
}
/** Largest difference in relation to the largest value. */
export function relativeDifference(
  actual: ArrayLike<number>,
  wanted: ArrayLike<number>,
): number {
  if (actual.length !== wanted.length) return Infinity;
  let largest = 1e-6;
  let difference = 0;
  for (let k = 0; k < wanted.length; k += 1) {
    const [a, w] = [actual[k] ?? NaN, wanted[k] ?? NaN];
    largest = Math.max(largest, Math.abs(w));
    // Not Math.max: a NaN on one side only has to count.
    if (!(Math.abs(a - w) <= difference) && !Object.is(a, w))
      difference = Number.isNaN(a - w) ? Infinity : Math.abs(a - w);
  }
  return difference / largest;
}
