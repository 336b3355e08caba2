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
import {
  fewLabelTask,
  multiLabelTask,
  segmentationTask,
} from "../spec/params/params-tasks.ts";
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
/** A fine-tuned model: encoder and head in one. */
export const FINETUNED_FILE = "model.safetensors";
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

const finetuned = {
  ...common,
  /** What the head's outputs stand for, in their order. */
  classes: z.array(z.string()),
  /** What the network is shown. */
  input: z.enum(["gray", "rgb"]).default("gray"),
};

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
    ...finetuned,
    task: fewLabelTask.prefault({ kind: "few-label" }),
  }),
  z.object({
    kind: z.literal("multi-label-classifier"),
    ...finetuned,
    task: multiLabelTask,
  }),
  z.object({
    kind: z.literal("segmenter"),
    ...finetuned,
    task: segmentationTask,
  }),
]);
export type ModelDescription = z.output<typeof modelSchema>;
/** A model that was trained for a task. */
export type FinetunedDescription = Extract<
  ModelDescription,
  { readonly task: unknown }
>;

/** The files of a model's artifact. */
export type ModelFiles = {
  readonly paths: readonly string[];
  /** The bytes of a file, checksums verified. */
  read(path: string): Promise<Uint8Array>;
  /** Where a file lies in the store. */
  placeOf(path: string): string;
  /** What commits the artifact: without it, the model is made anew. */
  readonly manifestPath: string;
};

export function openModelFiles(store: Store, manifest: Manifest): ModelFiles {
  return {
    paths: manifest.files.map(({ path }) => path),
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

/** Where the encoder of a step stands that pretraining published on its way. */
export function publishedFile(step: number): string {
  return `steps/${String(step).padStart(9, "0")}/${ENCODER_FILE}`;
}

/**
 * Network and weights of an encoder, with its measured statistics or folded; those of a step that was published, if one is named.
 * @throws UserError `model.not-published`, `model.no-statistics`
 */
export async function readEncoder(
  files: ModelFiles,
  publishedAt?: number,
): Promise<{ readonly network: Network; readonly weights: Weights }> {
  const { network: name } = await readModelDescription(files);
  const network = networkOf(name);
  const file =
    publishedAt === undefined ? ENCODER_FILE : publishedFile(publishedAt);
  if (!files.paths.includes(file)) throw notPublished(files, publishedAt);
  const weights = await readEncoderWeights(files, file, network);
  if (hasStatistics(network, weights) || isFolded(network, weights))
    return { network, weights };
  throw new UserError({
    code: "model.no-statistics",
    message: `'${files.placeOf(ENCODER_FILE)}' has no batch-norm statistics ('<layer>/mean' and '<layer>/variance')`,
    hint: "take the weights of a pretrain or initialize stage",
  });
}

function notPublished(files: ModelFiles, step: number | undefined): UserError {
  const steps = files.paths.flatMap((path) => {
    const [, published] = /^steps\/(\d+)\//.exec(path) ?? [];
    return published === undefined ? [] : [Number(published)];
  });
  return new UserError({
    code: "model.not-published",
    message: `expected weights${step === undefined ? "" : ` of step ${step}`} beside '${files.placeOf(MODEL_FILE)}'; found ${steps.length > 0 ? `those of steps ${steps.join(", ")}` : "none of a step"}`,
    hint: "name the step under `publish` of the pretrain stage, or leave weightsAt out",
  });
}
