/** Readers of what lies in a store beside data: weights, checkpoints, commits. */
import { UserError } from "../../../src/base/errors.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
} from "../../../src/store/artifacts/safetensors.ts";
import type { TensorData } from "../../../src/store/artifacts/safetensors-header.ts";
import { readManifest } from "../../../src/store/artifacts/manifest.ts";
import { parseCheckpointManifest } from "../../../src/store/checkpoints/places.ts";
import { toJsonBytes } from "../../../src/store/json.ts";
import { layout } from "../../../src/store/layout.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { buildManifest } from "../manifests.ts";
import type { FuzzTarget } from "./fuzz.ts";

const key = "a".repeat(64);

function floats(...shape: number[]): TensorData {
  const length = shape.reduce((size, side) => size * side, 1);
  return { dtype: "F32", shape, bytes: new Uint8Array(4 * length).fill(63) };
}

function readSafetensors(input: Buffer): boolean {
  try {
    const { tensors } = decodeSafetensors(input);
    for (const { bytes } of tensors.values())
      if (bytes.buffer !== input.buffer)
        throw new Error("a tensor lies outside its file");
    return true;
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.code === "safetensors.invalid")
      return false;
    throw thrown;
  }
}

/** What `readManifest` says of such a file in a store. */
async function readCommit(input: Buffer): Promise<boolean> {
  const store = createMemoryStore();
  await store.put(layout.manifest(key), input);
  try {
    const manifest = await readManifest(store, key);
    for (const { path } of manifest?.files ?? [])
      if (path.startsWith("/") || path.split("/").includes(".."))
        throw new Error("a file lies outside its artifact");
    return manifest !== null;
  } catch (thrown) {
    if (thrown instanceof UserError) return false;
    throw thrown;
  }
}

export const storeTargets: readonly FuzzTarget[] = [
  {
    name: "artifact manifest",
    kind: "json",
    corpus: () => [
      toJsonBytes(
        buildManifest({
          key,
          files: [
            {
              path: "weights.safetensors",
              sizeBytes: 80,
              crc32: "00ff00ff",
              sha256: key,
            },
          ],
        }),
      ),
    ],
    read: readCommit,
  },
  {
    name: "safetensors",
    corpus: () => [
      encodeSafetensors(new Map()),
      encodeSafetensors(
        new Map([
          ["conv1/weight", floats(3, 3, 1, 4)],
          ["conv1/bias", floats(4)],
          ["step", { dtype: "I64", shape: [], bytes: new Uint8Array(8) }],
        ]),
        { format: "pt" },
      ),
    ],
    read: readSafetensors,
  },
  {
    name: "checkpoint manifest",
    kind: "json",
    corpus: () => [
      toJsonBytes({
        version: 1,
        key,
        epoch: 3,
        step: 500,
        files: [
          { path: "model.safetensors", sizeBytes: 80, crc32: "00ff00ff" },
          { path: "optimizer.safetensors", sizeBytes: 80, crc32: "00ff00ff" },
          { path: "state.json", sizeBytes: 20, crc32: "00ff00ff" },
        ],
        metrics: { loss: 0.5 },
        keep: {
          last: 2,
          everySteps: 1000,
          best: { metric: "loss", mode: "min" },
        },
      }),
    ],
    read: (input) => parseCheckpointManifest(input) !== null,
  },
];
