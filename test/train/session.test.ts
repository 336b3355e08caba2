/** How the session of a training is set up: from its weights, and from where it runs. */
import type { Variable } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { toSession } from "../../src/train/session.ts";

const options = (
  sizes: readonly number[],
  how: { readonly gpu?: boolean; readonly xla?: boolean } = {},
) => ({
  engine: { info: { gpu: how.gpu ?? false } },
  variables: {
    byName: new Map(
      sizes.map((size, k) => [`w${k}`, { size } as Variable] as const),
    ),
  },
  xla: how.xla ?? false,
});

/** Of VGG-16 with its fully connected layers, and the largest of ResNet-50. */
const [fc6, bottleneck] = [7 * 7 * 512 * 4096, 3 * 3 * 512 * 512];

describe("on a CPU", () => {
  test("ops run one after the other beside a large layer", () => {
    expect(toSession(options([1728, fc6]))).toEqual({ interOpThreads: 1 });
  });
  test("ops run side by side where all layers are small", () => {
    expect(toSession(options([1728, bottleneck]))).toEqual({});
  });
  test("the bound is 64 MiB of floats", () => {
    const bound = 16 * 1024 * 1024;
    expect(toSession(options([bound - 1]))).toEqual({});
    expect(toSession(options([bound]))).toEqual({ interOpThreads: 1 });
  });
  test("XLA is not asked for", () => {
    expect(toSession(options([1728], { xla: true }))).toEqual({});
  });
});

describe("on a GPU", () => {
  test("XLA is as declared, and ops run as TensorFlow has it", () => {
    expect(toSession(options([fc6], { gpu: true, xla: true }))).toEqual({
      xlaLevel: 2,
    });
    expect(toSession(options([fc6], { gpu: true }))).toEqual({});
  });
});
