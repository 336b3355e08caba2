/**
 * Weights as one file outside of any store: our names, and in `__metadata__` what they are the weights of (docs/formats.md,
 * "Weights as one file"). The file is taken for hostile.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { isFolded, encoderDeclarations } from "../../model/encoder-weights.ts";
import type { Network } from "../../model/network.ts";
import { networkOf } from "../../model/networks.ts";
import { sizeOf, type Weights } from "../../model/weights.ts";
import { model, type ModelOptions } from "../../spec/params/params-model.ts";
import {
  metadataSchema,
  type TensorData,
} from "../../store/artifacts/safetensors-header.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
} from "../../store/artifacts/safetensors.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";
import { fromTensorData, toTensorData } from "../../train/variables.ts";

/** What a file in another program's names had besides its numbers, so that it can be written again byte for byte. */
const foreignSchema = z.strictObject({
  metadata: metadataSchema,
  /** Batches that each batch norm has counted. */
  batchesTracked: z.record(z.string(), z.string().regex(/^-?\d{1,19}$/)),
});
export type Foreign = z.output<typeof foreignSchema>;

const MODEL_KEY = "hueline.model";
const FOREIGN_KEY = "hueline.torchvision";

export type WeightFile = {
  readonly network: Network;
  readonly weights: Weights;
  readonly foreign: Foreign | null;
};

/** Any safetensors file; what is wrong with it is told with its place. */
export async function readSafetensorsFile(path: string): Promise<Safetensors> {
  return decodeFile(
    path,
    await onLocalFile("read", path, () => readFile(path)),
  );
}

/** Its bytes, wherever they came from. */
export function decodeFile(path: string, bytes: Uint8Array): Safetensors {
  try {
    return decodeSafetensors(bytes);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    const { code, message } = thrown;
    throw new UserError({
      code,
      message: `'${path}' is ${message}`,
      hint: "get the file again from where it came; it may be cut off, or of another format",
      cause: thrown,
    });
  }
}

/** All tensors as weights. @throws UserError `weights.type` for what is not F32. */
export function toWeightsOfFile(
  path: string,
  tensors: ReadonlyMap<string, TensorData>,
): Weights {
  for (const [name, { dtype }] of tensors)
    if (dtype !== "F32")
      throw new UserError({
        code: "weights.type",
        message: `'${path}' holds '${name}' as ${dtype}, expected F32`,
        hint: "save the weights in float32 (in PyTorch: `model.float()`)",
      });
  return fromTensorData(tensors);
}

export async function readWeightFile(path: string): Promise<WeightFile> {
  return toWeightFile(path, await readSafetensorsFile(path));
}

/** A file of ours that says of which network its weights are. */
export function toWeightFile(
  path: string,
  { tensors, metadata }: Safetensors,
): WeightFile {
  const choice = parseMetadata(model, metadata[MODEL_KEY]);
  if (choice === null)
    throw new UserError({
      code: "weights.unknown-model",
      message: `'${path}' does not say of which network its weights are`,
      hint: "hueline weights import FILE --arch NAME makes such a file of it",
    });
  const network = networkOf(choice);
  const weights = toWeightsOfFile(path, tensors);
  checkOwnWeights(path, network, weights);
  const foreign = parseMetadata(foreignSchema, metadata[FOREIGN_KEY]);
  return { network, weights, foreign };
}

export function encodeWeightFile({
  network,
  weights,
  foreign,
}: WeightFile): Uint8Array {
  return encodeSafetensors(toTensorData(weights), {
    [MODEL_KEY]: JSON.stringify(network.model),
    ...(foreign ? { [FOREIGN_KEY]: JSON.stringify(foreign) } : {}),
  });
}

/** A file of ours that need not say it: the network is told. */
export function readOwn(
  path: string,
  { tensors }: Safetensors,
  options: ModelOptions,
): WeightFile {
  const weights = toWeightsOfFile(path, tensors);
  const network = networkOf(withInput(path, options, weights, 2));
  checkOwnWeights(path, network, weights);
  return { network, weights, foreign: null };
}

/** @throws UserError `weights.mismatch` unless every weight of the network is there in its shape. */
function checkOwnWeights(
  path: string,
  network: Network,
  weights: Weights,
): void {
  const form = isFolded(network, weights) ? "folded" : "normalized";
  for (const { name, shape } of encoderDeclarations(network, form)) {
    const found = weights.get(name);
    const fits =
      found?.shape.join() === shape.join() &&
      found.values.length === sizeOf(shape);
    if (fits) continue;
    throw mismatch(
      path,
      `holds '${name}' as ${found ? `[${found.shape.join(", ")}]` : "no tensor"}, expected [${shape.join(", ")}]`,
    );
  }
}

export function mismatch(
  path: string,
  problem: string,
  hint = "hueline weights ls FILE shows what is in it; --arch says which network it is taken for",
): UserError {
  return new UserError({
    code: "weights.mismatch",
    message: `'${path}' ${problem}`,
    hint,
  });
}

/** Gray or colour, by the channels that the first convolution of the file reads. */
export function withInput(
  path: string,
  options: ModelOptions,
  weights: Weights,
  axis: number,
): ModelOptions {
  const first = [...weights].find(
    ([name, { shape }]) =>
      /^(features\.0|conv1|conv1_1)[./]weight$/.test(name) &&
      shape.length === 4,
  );
  const channels = first?.[1].shape[axis];
  const input = { 1: "gray", 3: "rgb" } as const;
  if (channels === 1 || channels === 3)
    return { ...options, input: input[channels] };
  throw mismatch(
    path,
    first
      ? `holds '${first[0]}' for ${channels} channels, expected 1 or 3`
      : "holds no first convolution of this network",
  );
}

/** Null unless the text is JSON of that form. */
function parseMetadata<S extends z.ZodType>(
  schema: S,
  text: string | undefined,
): z.output<S> | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text ?? "null"));
    return parsed.success ? parsed.data : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}
