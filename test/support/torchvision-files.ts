/** Files as PyTorch writes them: narrow networks under torchvision's names, a counter beside every batch norm, and metadata. */
import type { TorchvisionArch } from "../../src/spec/params/params-model.ts";
import type { TensorData } from "../../src/store/artifacts/safetensors-header.ts";
import { encodeSafetensors } from "../../src/store/artifacts/safetensors.ts";
import { toTensorData } from "../../src/train/variables.ts";
import {
  drawState,
  readReference,
  type NetworksReference,
} from "./reference.ts";

const { networks } = readReference("networks") as NetworksReference;

/** How much narrower and less deep the networks of the reference are. */
export const scales = {
  vgg16: { width: 1 / 32, depth: 0.5 },
  vgg16_bn: { width: 1 / 32, depth: 0.5 },
  alexnet: { width: 1 / 32 },
  resnet50: { width: 1 / 16, depth: 0.25 },
} as const satisfies Partial<
  Record<TorchvisionArch, { width: number; depth?: number }>
>;
export type Arch = keyof typeof scales;

/** Names of the tensors of a network's file, without counters. */
export function tensorNames(arch: Arch): string[] {
  return Object.keys(networks[arch]?.shapes ?? {});
}

export function torchvisionFile(
  arch: Arch,
  change: (tensors: Map<string, TensorData>) => void = () => undefined,
): Uint8Array {
  const state = drawState(networks[arch]?.shapes ?? {});
  const tensors = new Map(toTensorData(state));
  for (const name of state.keys())
    if (name.endsWith(".running_mean"))
      tensors.set(name.replace("running_mean", "num_batches_tracked"), {
        dtype: "I64",
        shape: [],
        bytes: Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0),
      });
  change(tensors);
  return encodeSafetensors(tensors, { format: "pt", note: "a test" });
}
