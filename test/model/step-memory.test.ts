/** The estimate of a step's memory: against peaks that were measured, and what each declaration changes. */
import { expect, test } from "vitest";
import { movableDeclarations } from "../../src/model/encoder-weights.ts";
import { convolutionsByLayer } from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import { estimateStepMemory } from "../../src/model/step-memory.ts";
import type { WeightDeclaration } from "../../src/model/weights.ts";
import {
  compute,
  type ComputeParams,
} from "../../src/spec/params/params-common.ts";
import type { ModelChoice } from "../../src/spec/params/params-model.ts";

const linear = (from: number, to: number): WeightDeclaration => ({
  name: "head",
  shape: [from, to],
  init: "zero",
});

type Step = {
  readonly model: ModelChoice;
  readonly side: number;
  readonly batch: number;
  readonly head: WeightDeclaration;
  readonly hypercolumn: boolean;
};
function estimate(
  step: Step,
  declared?: Partial<ComputeParams>,
  frozen: ReadonlySet<string> = new Set(),
) {
  const network = networkOf(step.model);
  return estimateStepMemory({
    ...step,
    frozen,
    network,
    weights: [...movableDeclarations(network, "normalized"), step.head],
    ...(declared ? { compute: compute.parse(declared) } : {}),
  });
}

const resnet50: Step = {
  model: "resnet50",
  side: 128,
  batch: 8,
  head: linear(2048, 1000),
  hypercolumn: false,
};
const alexnet: Step = {
  model: {
    network: "alexnet",
    input: "rgb",
    width: 1,
    depth: 1,
    batchNorm: "parameter-free",
    mode: "classification",
    lrn: false,
  },
  side: 227,
  batch: 16,
  head: linear(4096, 1000),
  hypercolumn: false,
};
const vgg16: Step = {
  model: "vgg16",
  side: 224,
  batch: 2,
  head: linear(12_417, 1024),
  hypercolumn: true,
};

// Peaks that bench/networks.ts printed, in MB. Its arms have values and slots, and neither first values nor checkpoints: two of five copies.
test.each([
  ["alexnet", alexnet, 1740],
  ["resnet50", resnet50, 1187],
  ["vgg16", vgg16, 3446],
])("%s: within 15 %% of the peak that was measured", (_name, step, wantMB) => {
  const { totalBytes, weightsBytes } = estimate(step);
  const foundMB = (totalBytes - (weightsBytes * 3) / 5) / 1e6;
  expect(foundMB / wantMB).toBeGreaterThan(0.85);
  expect(foundMB / wantMB).toBeLessThan(1.15);
});

test("recomputation and half precision take activations away, and nothing else", () => {
  const want = estimate(resnet50);
  const recomputed = estimate(resnet50, { recompute: true });
  const half = estimate(resnet50, { precision: "bfloat16" });
  expect(half.activationsBytes).toBe(want.activationsBytes / 2);
  expect(recomputed.activationsBytes).toBeLessThan(want.activationsBytes * 0.6);
  for (const other of [half, recomputed]) {
    expect(other.weightsBytes).toBe(want.weightsBytes);
    expect(other.workspaceBytes).toBe(want.workspaceBytes);
  }
  expect(estimate(resnet50, {})).toEqual(want);
});

test("activations grow with the batch and with the area, weights do not", () => {
  const want = estimate(vgg16);
  const larger = estimate({ ...vgg16, batch: 6 });
  expect(larger.activationsBytes).toBeCloseTo(3 * want.activationsBytes, 0);
  expect(larger.weightsBytes).toBe(want.weightsBytes);
  const wider = estimate({ ...vgg16, side: 448 });
  expect(wider.activationsBytes / want.activationsBytes).toBeCloseTo(4, 1);
});

test("the parts are the whole", () => {
  const { totalBytes, ...parts } = estimate(alexnet);
  const { peak: _, ...bytes } = parts;
  const want = Object.values(bytes).reduce((sum, part) => sum + part, 0);
  expect(totalBytes).toBe(want);
});

test("what is frozen keeps no activations, no slots and no gradients", () => {
  const want = estimate(alexnet);
  const network = networkOf(alexnet.model);
  const all = new Set(
    convolutionsByLayer(network).flatMap(({ convolutions }) => convolutions),
  );
  const lower = new Set(["conv1", "conv2"]);
  const some = estimate(alexnet, {}, lower);
  const none = estimate(alexnet, {}, all);
  expect(some.activationsBytes).toBeLessThan(want.activationsBytes);
  expect(none.activationsBytes).toBeLessThan(some.activationsBytes);
  expect(none.weightsBytes).toBeLessThan(want.weightsBytes / 2);
  // Only the head's gradient is left.
  expect(none.workspaceBytes).toBe(3 * 4 * 4096 * 1000);
});

test("batch norm that is part of the weights keeps nothing", () => {
  const step = { ...resnet50, weights: [resnet50.head] };
  const network = networkOf(resnet50.model);
  const [kept, folded] = [false, true].map((isFolded) =>
    estimateStepMemory({ ...step, network, isFolded }),
  );
  expect(folded?.activationsBytes).toBeLessThan(
    (kept?.activationsBytes ?? 0) * 0.7,
  );
});
