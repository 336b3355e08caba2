/**
 * How the session of a training is set up.
 *
 * On a CPU, ops that run side by side hold their results at the same time. Beside weights as large as those of VGG-16's fc6 that is 10 to
 * 15 % more memory, for a step that takes 2 % less time and no fewer CPU seconds (bench/networks.ts, two threads). There, threads share
 * one op after the other; small ops as those of a ResNet gain more from company. No result depends on it.
 */
import type { Engine, SessionOptions } from "../engine/engine.ts";
import type { Variables } from "./variables.ts";

const LARGE_WEIGHT_BYTES = 64 * 1024 * 1024;
const FLOAT_BYTES = 4;

export function toSession(options: {
  readonly engine: { readonly info: Pick<Engine["info"], "gpu"> };
  readonly variables: { readonly byName: Pick<Variables["byName"], "values"> };
  readonly xla: boolean;
}): SessionOptions {
  const { engine, variables, xla } = options;
  // Asked for where there is no GPU, it would change nothing but the time to compile.
  if (engine.info.gpu) return xla ? { xlaLevel: 2 } : {};
  const sizes = [...variables.byName.values()].map(({ size }) => size);
  return Math.max(...sizes) * FLOAT_BYTES >= LARGE_WEIGHT_BYTES
    ? { interOpThreads: 1 }
    : {};
}
