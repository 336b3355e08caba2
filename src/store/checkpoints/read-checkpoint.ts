/**
 * One checkpoint, read and verified: sizes, CRC-32, and contents that make sense. Whatever is wrong with it is an
 * answer, not an error: the one before it may be sound. Only a store that does not answer throws.
 */
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";
import { UserError } from "../../base/errors.ts";
import { decodeSafetensors } from "../artifacts/safetensors.ts";
import type { TensorData } from "../artifacts/safetensors-header.ts";
import { readJson } from "../json.ts";
import type { Store } from "../store.ts";
import {
  readCheckpointManifest,
  type CheckpointFile,
  type Place,
} from "./places.ts";

export type Checkpoint = {
  readonly step: number;
  /** Of the attempt that wrote it. */
  readonly epoch: number;
  /** Model variables, optimizer slots: by name. */
  readonly model: ReadonlyMap<string, TensorData>;
  readonly optimizer: ReadonlyMap<string, TensorData>;
  /** Small state of the loop: JSON. */
  readonly state: unknown;
};

export type CheckpointRead =
  | { readonly kind: "sound"; readonly checkpoint: Checkpoint }
  | { readonly kind: "broken"; readonly problem: string };

export async function readCheckpoint(
  store: Store,
  key: string,
  place: Place,
): Promise<CheckpointRead> {
  try {
    return await readFiles(store, key, place);
  } catch (thrown) {
    // A store with checksums of its own gives out no damaged bytes.
    if (!(thrown instanceof UserError && thrown.code === "store.damaged"))
      throw thrown;
    return brokenBecause(thrown.message);
  }
}

async function readFiles(
  store: Store,
  key: string,
  place: Place,
): Promise<CheckpointRead> {
  const manifest = await readCheckpointManifest(store, place);
  if (manifest === null) return brokenBecause("its manifest cannot be read");
  if (
    manifest.key !== key ||
    manifest.step !== place.step ||
    manifest.epoch !== place.epoch
  )
    return brokenBecause("its manifest belongs to another checkpoint");
  const contents = new Map<CheckpointFile, Uint8Array>();
  for (const file of manifest.files) {
    const content = await store.read(place.prefix + file.path);
    if (content === null) return brokenBecause(`${file.path} is missing`);
    if (content.byteLength !== file.sizeBytes)
      return brokenBecause(
        `${file.path} has ${content.byteLength} bytes, not ${file.sizeBytes}`,
      );
    if (crc32Hex(crc32(content)) !== file.crc32)
      return brokenBecause(`the CRC-32 of ${file.path} differs`);
    contents.set(file.path, content);
  }
  return decode(place, contents);
}

function decode(
  { step, epoch }: Place,
  contents: ReadonlyMap<CheckpointFile, Uint8Array>,
): CheckpointRead {
  const model = contents.get("model.safetensors");
  const optimizer = contents.get("optimizer.safetensors");
  const state = readJson(contents.get("state.json") ?? new Uint8Array());
  if (!model || !optimizer || state.kind === "broken")
    return brokenBecause("its manifest does not name all files");
  try {
    const checkpoint = {
      step,
      epoch,
      model: decodeSafetensors(model).tensors,
      optimizer: decodeSafetensors(optimizer).tensors,
      state: state.value,
    };
    return { kind: "sound", checkpoint };
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return brokenBecause(thrown.message);
  }
}

function brokenBecause(problem: string): CheckpointRead {
  return { kind: "broken", problem };
}
