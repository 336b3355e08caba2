/**
 * Models as files: `model.json` says what the weights beside it are; the weights are safetensors (docs/formats.md,
 * "weights.safetensors"). Whoever reads a model starts at `model.json` and checks the weights against it.
 */
import { z } from "zod";
import { UserError } from "../base/errors.ts";
import {
  encoderDeclarations,
  hasStatistics,
  isFolded,
} from "../model/encoder-weights.ts";
import type { Network } from "../model/network.ts";
import { networkOf } from "../model/networks.ts";
import type { WeightDeclaration, Weights } from "../model/weights.ts";
import { model as modelChoice } from "../spec/params/params-model.ts";
import { fromTensorData, toTensorData } from "../train/variables.ts";
import {
  artifactFilePath,
  readArtifactFile,
} from "../store/artifacts/artifact.ts";
import { layout } from "../store/layout.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
} from "../store/artifacts/safetensors.ts";
import type { Store } from "../store/store.ts";

export const MODEL_FILE = "model.json";
/** The encoder: convolutions, biases, and what batch norm measured. */
export const ENCODER_FILE = "weights.safetensors";
/** What stood above the encoder while it was pretrained. */
export const HEAD_FILE = "head.safetensors";
/** A fine-tuned model: encoder and classifier in one. */
export const CLASSIFIER_FILE = "model.safetensors";
export const METRICS_FILE = "metrics.jsonl";

const common = {
  version: z.literal(1),
  network: modelChoice,
  /** What was subtracted from gray values in [0, 1]. */
  grayMean: z.number(),
  /** Id of the dataset that it learned from, or whose statistics it has. */
  dataset: z.string(),
};

const colorize = z.object({
  kind: z.literal("colorize"),
  target: z.enum(["hue-chroma", "lab-regression"]),
  hypercolumn: z.boolean(),
  bins: z.int(),
  window: z.int(),
  locations: z.int(),
  border: z.int(),
  hidden: z.int(),
  dropout: z.number(),
  lightnessWeight: z.boolean(),
  hueWeight: z.number(),
});

const classify = z.object({
  kind: z.literal("classify"),
  hypercolumn: z.boolean(),
  dropout: z.number(),
  classes: z.array(z.string()),
});

const modelSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("encoder"), ...common }),
  z.object({ kind: z.literal("colorizer"), ...common, objective: colorize }),
  z.object({
    kind: z.literal("pretext-classifier"),
    ...common,
    objective: classify,
  }),
  z.object({
    kind: z.literal("classifier"),
    ...common,
    classes: z.array(z.string()),
  }),
]);
export type ModelDescription = z.output<typeof modelSchema>;

/** The files of a model's artifact. */
export type ModelFiles = {
  /** The bytes of a file, checksums verified. */
  read(path: string): Promise<Uint8Array>;
  /** Where a file lies in the store. */
  placeOf(path: string): string;
  /** What commits the artifact: without it, the model is made anew. */
  readonly manifestPath: string;
};

export function openModelFiles(store: Store, manifest: Manifest): ModelFiles {
  return {
    read: (path) => readArtifactFile(store, manifest, path),
    placeOf: (path) => artifactFilePath(manifest, path),
    manifestPath: layout.manifest(manifest.key),
  };
}

/** A file whose checksums fit and whose content does not: from another version, or another program. */
function unusable(
  files: ModelFiles,
  path: string,
  what: {
    readonly code: string;
    readonly problem: string;
    readonly cause?: unknown;
  },
): UserError {
  return new UserError({
    code: what.code,
    message: `'${files.placeOf(path)}' ${what.problem}`,
    hint: `it may come from another version of hueline: remove ${files.manifestPath} from the store and run the pipeline again`,
    cause: what.cause,
  });
}

export async function readModelDescription(
  files: ModelFiles,
): Promise<ModelDescription> {
  const text = new TextDecoder().decode(await files.read(MODEL_FILE));
  const parsed = modelSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw unusable(files, MODEL_FILE, {
    code: "model.unreadable",
    problem: `is not a model description of version 1: ${z.prettifyError(parsed.error)}`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

export function encodeModelDescription(model: ModelDescription): Uint8Array {
  const inOrder = modelSchema.parse(model);
  return new TextEncoder().encode(`${JSON.stringify(inOrder, null, 2)}\n`);
}

export function encodeWeights(weights: Weights): Uint8Array {
  return encodeSafetensors(toTensorData(weights));
}

/** Weights of a file that must hold an encoder, normalized or folded, and the other declared ones. */
export async function readEncoderWeights(
  files: ModelFiles,
  path: string,
  network: Network,
  others: readonly WeightDeclaration[] = [],
): Promise<Weights> {
  const weights = decodeWeights(files, path, await files.read(path));
  const form = isFolded(network, weights) ? "folded" : "normalized";
  const declared = [...encoderDeclarations(network, form), ...others];
  return checkWeights(files, path, weights, declared);
}

/** Weights of a file that must hold at least the declared ones. */
export async function readWeights(
  files: ModelFiles,
  path: string,
  declarations: readonly WeightDeclaration[],
): Promise<Weights> {
  const weights = decodeWeights(files, path, await files.read(path));
  return checkWeights(files, path, weights, declarations);
}

function checkWeights(
  files: ModelFiles,
  path: string,
  weights: Weights,
  declarations: readonly WeightDeclaration[],
): Weights {
  for (const { name, shape } of declarations) {
    const found = weights.get(name)?.shape;
    if (found && found.join() === shape.join()) continue;
    throw unusable(files, path, {
      code: "model.weights",
      problem: `does not fit ${MODEL_FILE} beside it: expected '${name}' [${shape.join(", ")}], found ${found ? `[${found.join(", ")}]` : "no such tensor"}`,
    });
  }
  return weights;
}

function decodeWeights(
  files: ModelFiles,
  path: string,
  bytes: Uint8Array,
): Weights {
  const tensors = decodeTensors(files, path, bytes);
  for (const [name, { dtype }] of tensors)
    if (dtype !== "F32")
      throw unusable(files, path, {
        code: "model.weights",
        problem: `holds '${name}' as ${dtype}, expected F32`,
      });
  return fromTensorData(tensors);
}

function decodeTensors(files: ModelFiles, path: string, bytes: Uint8Array) {
  try {
    return decodeSafetensors(bytes).tensors;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    const { code, message } = thrown;
    const problem = `is ${message}`;
    throw unusable(files, path, { code, problem, cause: thrown });
  }
}

/** Network and weights of an encoder, with its measured statistics or folded. */
export async function readEncoder(
  files: ModelFiles,
): Promise<{ readonly network: Network; readonly weights: Weights }> {
  const { network: name } = await readModelDescription(files);
  const network = networkOf(name);
  const weights = await readEncoderWeights(files, ENCODER_FILE, network);
  if (hasStatistics(network, weights) || isFolded(network, weights))
    return { network, weights };
  throw new UserError({
    code: "model.no-statistics",
    message: `'${files.placeOf(ENCODER_FILE)}' has no batch-norm statistics ('<layer>/mean' and '<layer>/variance')`,
    hint: "take the weights of a pretrain or initialize stage",
  });
}
